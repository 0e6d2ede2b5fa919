import { beforeEach, expect, test, vi } from "vitest";

const GET = vi.fn();
vi.mock("../../api/client", () => ({ api: { GET } }));
const { endsOf, noticed } = await import("./current");

const MINUTE = 60_000;
const station = (code: string, ...current: boolean[]) => ({
  airport: { iata_code: code },
  notices: current.map((is_current, at) => ({ text: `${code} ${at}`, is_current })),
});
const asked = () => GET.mock.calls.map(([, { params }]) => params.path.code);
let now = 0;

beforeEach(() => {
  GET.mockReset();
  // What was kept before is too old.
  now += 60 * MINUTE;
});

test("stations with notices of now are named, each read once in five minutes", async () => {
  GET.mockImplementation(async (_: string, { params }) => ({
    data: station(params.path.code, params.path.code === "DEL", false),
  }));
  const found = await noticed(["DEL", "LHR", "DEL"], now);
  expect(found.map(({ airport, notices }) => [airport.iata_code, notices.map(({ text }) => text)])).toEqual([
    ["DEL", ["DEL 0"]],
  ]);
  expect(asked()).toEqual(["DEL", "LHR"]);
  await noticed(["LHR", "DEL"], now + 5 * MINUTE - 1);
  expect(asked()).toEqual(["DEL", "LHR"]);
  await noticed(["DEL"], now + 5 * MINUTE);
  expect(asked()).toEqual(["DEL", "LHR", "DEL"]);
});

test("a station that cannot be read says nothing, and is asked again", async () => {
  GET.mockRejectedValueOnce(new Error("away")).mockResolvedValueOnce({ error: {} });
  expect(await noticed(["BOM"], now)).toEqual([]);
  expect(await noticed(["BOM"], now + 1)).toEqual([]);
  GET.mockResolvedValueOnce({ data: station("BOM", true) });
  expect(await noticed(["BOM"], now + 2)).toHaveLength(1);
});

test("at most eight stations are read", async () => {
  GET.mockResolvedValue({ data: station("X", true) });
  await noticed(
    Array.from({ length: 12 }, (_, at) => `S${at}`),
    now,
  );
  expect(asked()).toHaveLength(8);
});

test("options name where their flights begin and end", () => {
  const leg = (origin: string, destination: string) => ({ origin, destination });
  const options = [
    { flights: [leg("DEL", "BOM"), leg("BOM", "LHR")] },
    { flights: [leg("DEL", "LGW")] },
    { flights: [] },
  ];
  expect(endsOf(options)).toEqual(["DEL", "LHR", "DEL", "LGW"]);
});
