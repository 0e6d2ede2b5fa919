// The types of aircraft that a flight can have.
import { api, take } from "../../api/client";

/** Choices for a field: `77X · Boeing 777F`. */
export async function aircraftTypes(): Promise<{ value: string; label: string }[]> {
  const { data } = await take(api.GET("/api/v1/aircraft", { params: { query: { limit: 200 } } }));
  return data.map((type) => ({ value: type.iata_code, label: `${type.iata_code} · ${type.name}` }));
}
