/** Where to go after signing in: an address of the console alone, never another site. */
export function target(to: string | null): string {
  return to && /^\/(?![/\\])/.test(to) ? to : "/";
}
