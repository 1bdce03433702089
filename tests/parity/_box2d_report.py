"""What the long comparisons of Box2D's environments print for the pages of the docs."""

import numpy as np


def report(name, observations, rewards, touching):
    """The greatest differences in flight and in contact, given those of each transition and which have contacts."""
    for kind, chosen in (("in flight", ~touching), ("in contact", touching)):
        found = observations[chosen]
        above = ", ".join(f"{np.sum(found > limit)} above {limit:g}" for limit in (1e-5, 2e-5, 1e-4))
        greatest = (
            f"observations {found.max(initial=0.0):.1e} ({above}), rewards {rewards[chosen].max(initial=0.0):.1e}"
        )
        print(f"{name}, {kind}: {len(found):,} transitions, {greatest}", flush=True)
