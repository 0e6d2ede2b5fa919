// The parser of event streams (text/event-stream): `EventSource` cannot send a token.

export interface StreamEvent {
  id: string | null;
  type: string;
  data: string;
}

/** Turns pieces of text into events; what is incomplete waits for the next piece. */
export class EventParser {
  #rest = "";
  #data: string[] = [];
  #type = "";
  #id: string | null = null;
  /** Milliseconds to wait before connecting again, as the server asks. */
  retry: number | null = null;

  push(text: string): StreamEvent[] {
    const events: StreamEvent[] = [];
    this.#rest += text;
    // A CR at the end may be half of a CR LF.
    for (let end = this.#rest.search(/\r\n|\n|\r(?!$)/); end >= 0; end = this.#rest.search(/\r\n|\n|\r(?!$)/)) {
      const line = this.#rest.slice(0, end);
      this.#rest = this.#rest.slice(end + (this.#rest.startsWith("\r\n", end) ? 2 : 1));
      const event = this.#line(line);
      if (event) events.push(event);
    }
    return events;
  }

  #line(line: string): StreamEvent | null {
    if (line === "") {
      const event =
        this.#data.length > 0 ? { id: this.#id, type: this.#type || "message", data: this.#data.join("\n") } : null;
      this.#data = [];
      this.#type = "";
      return event;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#type = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retry = Number(value);
    return null;
  }
}
