// Notifications in words, for those who got them and for those who look after them.
import type { Schemas } from "../api/problem";
import { words } from "../words";

const types: Record<string, string> = words.messages.types;
const channels: Record<string, string> = words.messages.channels;
const states: Record<string, string> = words.messages.states;
const reasons: Record<string, string> = words.messages.reasons;

export const typeText = (type: string): string => types[type] ?? type;
export const channelText = (channel: string): string => channels[channel] ?? channel;
/** `not sent: there is no verified address`. */
export function stateText(message: Pick<Schemas["Notification"], "status" | "reason">): string {
  const state = states[message.status] ?? message.status;
  return message.reason ? `${state}: ${reasons[message.reason] ?? message.reason}` : state;
}
