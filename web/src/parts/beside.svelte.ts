// What is shown beside flights and loaded after them: notices of stations, logos of airlines, pieces that do not fit.
import type { pages } from "../pages/stations/pages";

type Parts = Awaited<ReturnType<typeof pages.beside>>;
let parts = $state.raw<Parts | null>(null);
let isAsked = false;

/** Nothing until they are loaded; without them flights are shown all the same. */
export function beside(): Parts | null {
  if (!isAsked) {
    isAsked = true;
    void import("../pages/stations/pages")
      .then(({ pages }) => pages.beside())
      .then(
        (loaded) => (parts = loaded),
        () => (isAsked = false),
      );
  }
  return parts;
}
