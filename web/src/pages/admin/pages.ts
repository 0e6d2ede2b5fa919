// The pages of administrators by their names, each loaded when it is opened, with texts that only it has. In a file of its own: the
// first load is without their list.
import { feedTexts } from "../../words/feedTexts";
import { consolidationTexts } from "../../words/language";

const all = {
  home: () => import("./Home.svelte"),
  users: () => import("./Users.svelte"),
  organizations: () => import("./Organizations.svelte"),
  "api-keys": () => import("./ApiKeys.svelte"),
  airports: () => import("./Airports.svelte"),
  airlines: () => import("./Airlines.svelte"),
  aircraft: () => import("./Aircraft.svelte"),
  tariffs: () => import("./Tariffs.svelte"),
  surcharges: () => import("./Surcharges.svelte"),
  sales: () => import("./Sales.svelte"),
  embargoes: () => import("./Embargoes.svelte"),
  allotments: () => import("./Allotments.svelte"),
  import: () => import("./Import.svelte"),
  feeds: () => feedTexts().then(() => import("./feeds/Feeds.svelte")),
  feed: () => feedTexts().then(() => import("./feeds/Feed.svelte")),
  jobs: () => import("./Jobs.svelte"),
  messages: () => import("./Messages.svelte"),
  alerts: () => import("./Alerts.svelte"),
  consolidations: () => consolidationTexts().then(() => import("./Consolidations.svelte")),
  audit: () => import("./Audit.svelte"),
  analytics: () => import("./Analytics.svelte"),
  health: () => import("./Health.svelte"),
};

export type AdminPage = keyof typeof all;
export const pages: Readonly<Record<AdminPage, () => Promise<unknown>>> = all;
