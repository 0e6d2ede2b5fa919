// The pages of consolidations, each loaded after its texts when it is opened. They are named here, in a file that the first load is without.
import { consolidationTexts } from "../../words/language";

const texts = consolidationTexts;

export const pages = {
  list: () => texts().then(() => import("./Consolidations.svelte")),
  one: () => texts().then(() => import("./Consolidation.svelte")),
  manifest: () => texts().then(() => import("./Manifest.svelte")),
  join: () => texts().then(() => import("./Join.svelte")),
};
