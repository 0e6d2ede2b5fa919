// What was sent about a booking, as the API lets the reader see it.
import { api, take } from "../../api/client";
import type { Schemas } from "../../api/problem";

export interface Message extends Partial<Pick<Schemas["AddressedNotification"], "address">> {
  id: string;
  type: string;
  channel: string;
  ref_id: string | null;
  status: string;
  created_at: string;
  sent_at: string | null;
  reason: string | null;
}

const PAGE = 100;
/** A customer's list has all bookings in it: no more pages of it than this are read. */
const MOST_PAGES = 5;

/** The carrier's staff see all notifications; others their own. */
export async function messagesOf(reference: string, isStaff: boolean): Promise<Message[]> {
  if (isStaff) {
    const query = { ref_id: reference, limit: PAGE };
    return (await take(api.GET("/api/v1/admin/notifications", { params: { query } }))).data;
  }
  const found: Message[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const query: { limit: number; cursor?: string } = cursor ? { limit: PAGE, cursor } : { limit: PAGE };
    const answer = await take(api.GET("/api/v1/notifications", { params: { query } }));
    found.push(...answer.data.filter((message) => message.ref_id === reference));
    cursor = answer.next;
    if (!cursor) break;
  }
  return found;
}
