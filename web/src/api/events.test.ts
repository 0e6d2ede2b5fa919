import { expect, it } from "vitest";
import { EventParser } from "./events";

it("reads events over pieces, comments and line ends", () => {
  const parser = new EventParser();
  expect(parser.push(": hello\n\nid: 7\nevent: booking.dep")).toEqual([]);
  expect(parser.push('arted\r\ndata: {"a":1}\r\ndata: 2\r')).toEqual([]);
  expect(parser.push("\n\r\n")).toEqual([{ id: "7", type: "booking.departed", data: '{"a":1}\n2' }]);
});

it("keeps the last id, and how long to wait", () => {
  const parser = new EventParser();
  expect(parser.push("retry: 1500\nid: a\ndata: x\n\ndata\n\n")).toEqual([
    { id: "a", type: "message", data: "x" },
    { id: "a", type: "message", data: "" },
  ]);
  expect(parser.retry).toBe(1500);
});
