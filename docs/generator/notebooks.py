"""Notebooks as pages."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

from docs.generator.markdown import fenced


def notebook(path: Path) -> Iterator[tuple[str, str | bytes]]:
    """A notebook as a page, with the outputs that it keeps, and without the cell that installs jaxenvs."""
    parts: list[str] = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = re.sub(r"\n\n\[!\[Open in Colab.*", "", "".join(cell["source"]))
        if source.startswith("# Installs jaxenvs if it is missing"):
            continue
        parts.append(source if cell["cell_type"] == "markdown" else fenced(source, "python"))
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if image := next((kind for kind in ("image/gif", "image/png") if kind in data), None):
                name = f"{path.stem}_{len(parts)}.{image.removeprefix('image/')}"
                yield f"notebooks/{name}", base64.b64decode("".join(data[image]))
                parts.append(f"![Output of the cell above]({name})")
            elif (html := "".join(data.get("text/html", ""))).startswith('<div id="jaxenvs-'):
                parts.append(html.strip())  # an animation, which brings all that it needs
            elif text := "".join(output.get("text", data.get("text/plain", ""))).rstrip():
                parts.append(fenced(text, "text"))
    yield f"notebooks/{path.stem}.md", "\n\n".join(parts)
