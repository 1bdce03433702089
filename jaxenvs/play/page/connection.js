// The conversation with the server: over a WebSocket or, where a proxy passes none on, in requests that poll.

/** Splits an update into its JSON object and its picture. */
function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = new TextDecoder().decode(new Uint8Array(buffer, 4, length));
  return { ...JSON.parse(header), picture: new Uint8Array(buffer, 4 + length) };
}

export class Connection {
  /** @param handlers `message(object)`, `update(object with its picture)`, `state("open" or "lost")` */
  constructor(handlers) {
    this.handlers = handlers;
    this.send = () => {};
    if (new URLSearchParams(location.search).has("poll")) this.#poll();
    else this.#openSocket(true);
  }

  #openSocket(isFirst) {
    const address = new URL("socket", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    address.search = address.hash = "";
    const socket = new WebSocket(address);
    let wasOpen = false;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      wasOpen = true;
      this.send = (message) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(message));
      this.handlers.state("open");
    };
    socket.onmessage = ({ data }) => this.#take(data);
    socket.onclose = ({ code, reason }) => {
      this.send = () => {};
      if (!wasOpen && isFirst) return this.#poll();
      this.handlers.state("lost", reason);
      if (code !== 1008 && code !== 1013) setTimeout(() => this.#openSocket(false), 1500);
    };
  }

  #take(data) {
    if (typeof data === "string") return this.handlers.message(JSON.parse(data));
    this.handlers.update(unpack(data));
    this.send({ type: "received" });
  }

  async #poll() {
    const name = crypto.getRandomValues(new Uint32Array(4)).join("-");
    const post = async (messages, query) => {
      const body = JSON.stringify(messages.map((message) => JSON.stringify(message)));
      const answer = await fetch(`poll/${name}${query}`, { method: "POST", body });
      if (!answer.ok) throw new Error(await answer.text());
      return answer.arrayBuffer();
    };
    let outgoing = [];
    let sending = false;
    this.send = async (message) => {
      outgoing.push(message);
      if (sending) return;
      sending = true;
      while (outgoing.length) await post(outgoing.splice(0), "").catch(() => {});
      sending = false;
    };
    await null; // whoever made this connection has it by now
    this.handlers.state("open");
    for (;;) {
      try {
        const buffer = await post([], "?wait");
        const view = new DataView(buffer);
        for (let at = 0; at < buffer.byteLength; ) {
          const length = view.getUint32(at + 1, true);
          const part = buffer.slice(at + 5, at + 5 + length);
          this.#take(view.getUint8(at) ? part : new TextDecoder().decode(part));
          at += 5 + length;
        }
      } catch (error) {
        this.handlers.state("lost", error.message);
        await new Promise((resolve) => setTimeout(resolve, 2000));
      }
    }
  }
}
