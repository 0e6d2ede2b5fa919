// Tags and collections of stations: few, and read once for all that shows them.
import { api, take, takeAll } from "../../api/client";
import type { Schemas } from "../../api/problem";
import { offered } from "./station";

export type Tag = Schemas["StationTag"];
export type Collection = Schemas["StationCollection"];

const page = (cursor: string | undefined) => ({ params: { query: { limit: 100, ...(cursor ? { cursor } : {}) } } });

export const readTags = async (): Promise<Tag[]> =>
  offered(await takeAll((cursor) => take(api.GET("/api/v1/station-tags", page(cursor)))));

export const readCollections = async (): Promise<Collection[]> =>
  offered(await takeAll((cursor) => take(api.GET("/api/v1/station-collections", page(cursor)))));
