import { expect, it } from "vitest";
import { awbFault, awbNumber } from "./awb";

it("checks a number as it is typed", () => {
  expect(awbFault("")).toBeNull();
  expect(awbFault("098-1234")).toBeNull();
  expect(awbFault("098-12345675")).toBeNull();
  expect(awbFault("098 1234 5675")).toBeNull();
  expect(awbFault("098\u20131234\u20115675")).toBeNull();
  expect(awbFault("098-12345674")).toBe("check");
  expect(awbFault("098-1234567X")).toBe("digits");
  expect(awbFault("098-123456750")).toBe("length");
  expect(awbNumber("098 1234 5675")).toBe("098-12345675");
});
