import { expect, test } from "vitest";
import { Lookup } from "./lookup";

function lookup(answers: Record<string, string[] | null>) {
  const asked: string[] = [];
  let now = 0;
  const it = new Lookup<string>(
    (text) => {
      asked.push(text);
      return Promise.resolve(answers[text] ?? []);
    },
    { isTyped: true, now: () => now },
  );
  return { it, asked, later: (ms: number) => (now += ms) };
}

test("a text is asked for once, whichever field and case it is typed in, until the answer is old", async () => {
  const { it, asked, later } = lookup({ delhi: ["DEL"] });
  expect(await it.find("Delhi")).toEqual(["DEL"]);
  expect(await Promise.all([it.find("delhi "), it.find("DELHI")])).toEqual([["DEL"], ["DEL"]]);
  expect(asked).toEqual(["delhi"]);
  later(5 * 60_000);
  await it.find("Delhi");
  expect(asked).toHaveLength(2);
});

test("where nothing begins so, nothing is asked for what begins longer", async () => {
  const { it, asked } = lookup({ lo: ["LHR"] });
  await it.find("lo");
  await it.find("lox");
  expect(await it.find("loxodrome")).toEqual([]);
  expect(asked).toEqual(["lo", "lox"]);
});

test("what could not be asked is asked again", async () => {
  let fails = true;
  const it = new Lookup<string>(() => (fails ? Promise.reject(new Error("away")) : Promise.resolve(["DEL"])));
  await expect(it.find("del")).rejects.toThrow("away");
  fails = false;
  expect(await it.find("del")).toEqual(["DEL"]);
  let asked = 0;
  const silent = new Lookup<string>(() => Promise.resolve(++asked > 0 ? null : []));
  await silent.find("del");
  expect(await silent.find("del")).toBeNull();
  expect(asked).toBe(2);
});

test("two hundred texts are kept at most", async () => {
  const { it, asked } = lookup({});
  const text = (at: number) => `${String.fromCharCode(0x4e00 + at)}`;
  for (let at = 0; at <= 200; at += 1) await it.find(text(at));
  await it.find(text(200));
  expect(asked).toHaveLength(201);
  await it.find(text(0));
  expect(asked).toHaveLength(202);
});
