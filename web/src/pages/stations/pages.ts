// The pages of stations, each loaded after its texts when it is opened. They are named here, in a file that the first load is without.
import { adminTexts } from "../../words/language";
import { stationTexts } from "../../words/stationTexts";

/** Of the staff. */
const staffTexts = () => Promise.all([adminTexts(), stationTexts()]);

export const pages = {
  list: () => stationTexts().then(() => import("./Stations.svelte")),
  one: () => stationTexts().then(() => import("./Station.svelte")),
  keep: () => staffTexts().then(() => import("../admin/Stations.svelte")),
  tags: () => staffTexts().then(() => import("../admin/Tags.svelte")),
  collections: () => staffTexts().then(() => import("../admin/Collections.svelte")),
  /** In the dialog of an airline. */
  logo: () => stationTexts().then(() => import("../admin/stations/LogoField.svelte")),
  /** What other pages show of stations and airlines, and of what does not fit. */
  beside: async () => {
    await stationTexts();
    const [notices, logos, tooLarge] = await Promise.all([
      import("./NoticesOf.svelte"),
      import("./LogosOf.svelte"),
      import("../search/TooLarge.svelte"),
    ]);
    return { NoticesOf: notices.default, LogosOf: logos.default, TooLarge: tooLarge.default };
  },
  tips: () => staffTexts().then(() => import("../admin/Tips.svelte")),
};
