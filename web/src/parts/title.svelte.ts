// What the page that is shown is about, for the title of its tab.
class Title {
  own = $state<string | null>(null);
}

export const title = new Title();

/** Names the booking, flight or number in the title while its page is shown; nothing: the page has its usual title. */
export function titled(name: () => string | null): void {
  $effect(() => {
    title.own = name();
  });
  $effect(() => () => {
    title.own = null;
  });
}
