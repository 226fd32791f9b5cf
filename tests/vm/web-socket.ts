import { once } from "node:events";
import http from "node:http";
import type { Socket } from "node:net";

/** A websocket that sends short texts and waits for the answer to each. */
export class WebSocketClient {
  private constructor(private readonly socket: Socket) {}

  static async open(url: string): Promise<WebSocketClient> {
    const key = Buffer.alloc(16, "stackline").toString("base64");
    const headers = {
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": 13,
      "Sec-WebSocket-Key": key,
    };
    const socket = await new Promise<Socket>((opened, refused) => {
      const request = http.get(url, { headers });
      request.once("upgrade", (_, upgraded) => opened(upgraded));
      request.once("response", (response) => refused(new Error(`${url} answers ${response.statusCode}`)));
      request.once("error", refused);
    });
    socket.on("error", () => undefined);
    // That of the agent.
    socket.setTimeout(0);
    return new WebSocketClient(socket);
  }

  /** The answer to a text of at most 125 bytes; clients mask what they send (RFC 6455, 5.3). */
  async ask(text: string): Promise<string> {
    const data = Buffer.from(text);
    const mask = Buffer.from([1, 2, 3, 4]);
    const masked = data.map((byte, at) => byte ^ (mask[at % 4] ?? 0));
    this.socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | data.length]), mask, masked]));
    const closed = new AbortController();
    this.socket.once("close", () => closed.abort(new Error("the websocket was closed")));
    const [frame] = (await once(this.socket, "data", { signal: closed.signal })) as [Buffer];
    return frame.subarray(2).toString();
  }

  close(): void {
    this.socket.destroy();
  }
}
