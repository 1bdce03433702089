"""A proxy as Colab's: it shows what a notebook serves under another origin, and passes no WebSockets on."""

import contextlib
import http.client
import http.server
import ssl
import subprocess
import threading

NOTEBOOK = "notebook.example"
"""The host of the page that holds the frame."""


def certificate(folder, *hosts):
    """A TLS context for some hosts, signed by nobody."""
    key, path = folder / "key.pem", folder / "certificate.pem"
    names = ",".join(f"DNS:{host}" for host in hosts)
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"]
    command += ["-addext", f"subjectAltName={names}", "-keyout", key, "-out", path]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key)
    return context


class Proxy(http.server.BaseHTTPRequestHandler):
    """Passes requests under a path on to a port of this machine."""

    protocol_version = "HTTP/1.1"
    target: int
    path_prefix: str
    keeps_host: bool
    frame: str
    upgrades: list[str]

    def log_message(self, *_):
        """Nothing is logged."""

    def do_GET(self):
        self._answer()

    def do_POST(self):
        self._answer()

    def _answer(self):
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.headers["host"].startswith(NOTEBOOK):
            page = f"<!doctype html><title>notebook</title><iframe src='{self.frame}' width=1100 height=820></iframe>"
            self._send(200, [("Content-Type", "text/html")], page.encode())
        elif "upgrade" in self.headers:
            self.upgrades.append(self.path)
            self._send(400, [], b"no WebSockets here")
        elif self.path.startswith(self.path_prefix):
            self._send(*self._passed_on(content))
        else:
            self._send(404, [], b"")

    def _passed_on(self, content):
        connection = http.client.HTTPConnection("127.0.0.1", self.target, timeout=60)
        left_out = {"connection", "content-length", *(() if self.keeps_host else ("host",))}
        headers = {name: value for name, value in self.headers.items() if name.lower() not in left_out}
        connection.request(self.command, "/" + self.path.removeprefix(self.path_prefix), content, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        skipped = {"connection", "content-length", "transfer-encoding"}
        return answer.status, [(n, v) for n, v in answer.getheaders() if n.lower() not in skipped], content

    def _send(self, status, headers, content):
        self.send_response(status)
        for name, value in [*headers, ("Content-Length", str(len(content)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@contextlib.contextmanager
def proxied(folder, target, host, *, path="/", keeps_host=True):
    """Serves the port `target` at `https://host/path` and a page with that in a frame at `https://NOTEBOOK/`.

    Yields the port of the proxy, and a list of the paths of the WebSockets that were refused.
    """
    upgrades = []
    fields = {"target": target, "path_prefix": path, "keeps_host": keeps_host, "upgrades": upgrades}
    handler = type("ProxyOfTarget", (Proxy,), {**fields, "frame": f"https://{host}{path}"})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.socket = certificate(folder, host, NOTEBOOK).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1], upgrades
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
