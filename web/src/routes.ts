// Every page by its address. A page is a folder of `pages/`, loaded when it is opened; the first one comes with the application.
import type { Component } from "svelte";
import type { AdminPage } from "./pages/admin/pages";
import type { pages as consolidationPages } from "./pages/consolidations/pages";
import Search from "./pages/search/Search.svelte";
import type { pages as stationPages } from "./pages/stations/pages";
import { words } from "./words";
import { adminTexts } from "./words/language";

export interface Page {
  path: string;
  /** The pages of administrators name their own area: its texts are theirs alone. */
  title: string;
  /** Who may open it; anyone, if it is left out. */
  role?: "customer" | "operator" | "admin";
  load: () => Promise<{ default: Component<{ params: Record<string, string> }> }>;
}

type StationPages = typeof stationPages;
type Loading = Promise<{ default: Component<{ params: Record<string, string> }> }>;
const page = (load: () => Promise<unknown>) => load as () => Loading;
/** Loads the texts first: a module whose evaluation failed for want of them is never evaluated again. */
const adminPage = (name: AdminPage) =>
  page(() => Promise.all([import("./pages/admin/pages"), adminTexts()]).then(([{ pages }]) => pages[name]()));
const consolidationPage = (name: keyof typeof consolidationPages) =>
  page(() => import("./pages/consolidations/pages").then<unknown>(({ pages }) => pages[name]()));
/** The pages of stations and of consolidations are named in files of their own: the first load has neither their names nor their texts. */
const stationPage = (name: Exclude<keyof StationPages, "beside" | "logo">) =>
  page(() => import("./pages/stations/pages").then<unknown>(({ pages }) => pages[name]()));

export const pages: readonly Page[] = [
  { path: "/", title: words.search.title, load: page(() => Promise.resolve({ default: Search })) },
  { path: "/track", title: words.track.title, load: page(() => import("./pages/track/Find.svelte")) },
  { path: "/track/{number}", title: words.track.title, load: page(() => import("./pages/track/Track.svelte")) },
  { path: "/sign-in", title: words.session.signIn, load: page(() => import("./pages/session/SignIn.svelte")) },
  { path: "/register", title: words.session.register, load: page(() => import("./pages/session/Register.svelte")) },
  { path: "/forgot", title: words.session.forgot, load: page(() => import("./pages/session/Forgot.svelte")) },
  { path: "/reset", title: words.session.reset, load: page(() => import("./pages/session/Reset.svelte")) },
  { path: "/book", title: words.book.title, load: page(() => import("./pages/book/Book.svelte")) },
  { path: "/holds", title: words.holds.title, load: page(() => import("./pages/holds/Holds.svelte")) },
  { path: "/guest", title: words.guest.title, load: page(() => import("./pages/guest/Guest.svelte")) },
  { path: "/stations", title: words.shell.stations, load: stationPage("list") },
  { path: "/stations/{code}", title: words.shell.stations, load: stationPage("one") },
  { path: "/claim", title: words.guest.claim, load: page(() => import("./pages/guest/Claim.svelte")) },
  {
    path: "/bookings",
    title: words.bookings.title,
    role: "customer",
    load: page(() => import("./pages/bookings/Bookings.svelte")),
  },
  {
    path: "/bookings/{ref}",
    title: words.booking.title,
    role: "customer",
    load: page(() => import("./pages/bookings/Booking.svelte")),
  },
  {
    path: "/bookings/{ref}/documents",
    title: words.documents.title,
    role: "customer",
    load: page(() => import("./pages/documents/Documents.svelte")),
  },
  {
    path: "/payments",
    title: words.paymentList.title,
    role: "customer",
    load: page(() => import("./pages/payments/Payments.svelte")),
  },
  {
    path: "/quotes",
    title: words.quotes.title,
    role: "customer",
    load: page(() => import("./pages/quotes/Quotes.svelte")),
  },
  {
    path: "/quotes/{id}",
    title: words.quotes.one,
    role: "customer",
    load: page(() => import("./pages/quotes/Quote.svelte")),
  },
  {
    path: "/parties",
    title: words.parties.title,
    role: "customer",
    load: page(() => import("./pages/parties/Parties.svelte")),
  },
  {
    path: "/waitlist",
    title: words.waitlist.title,
    role: "customer",
    load: page(() => import("./pages/waitlist/Waitlist.svelte")),
  },
  {
    path: "/alerts",
    title: words.alerts.title,
    role: "customer",
    load: page(() => import("./pages/alerts/Alerts.svelte")),
  },
  {
    path: "/consolidations",
    title: words.shell.consolidations,
    role: "customer",
    load: consolidationPage("list"),
  },
  {
    path: "/consolidations/{id}",
    title: words.shell.consolidations,
    role: "customer",
    load: consolidationPage("one"),
  },
  {
    path: "/consolidations/{id}/manifest/{origin}",
    title: words.shell.consolidations,
    role: "customer",
    load: consolidationPage("manifest"),
  },
  {
    path: "/join",
    title: words.shell.consolidations,
    load: consolidationPage("join"),
  },
  {
    path: "/account",
    title: words.account.title,
    role: "customer",
    load: page(() => import("./pages/account/Account.svelte")),
  },
  {
    path: "/flights",
    title: words.flights.title,
    role: "operator",
    load: page(() => import("./pages/flights/Flights.svelte")),
  },
  { path: "/flights/{id}", title: words.board.flight, load: page(() => import("./pages/flights/Flight.svelte")) },
  {
    path: "/rerouting",
    title: words.rerouting.title,
    role: "operator",
    load: page(() => import("./pages/rerouting/Rerouting.svelte")),
  },
  {
    path: "/board",
    title: words.board.title,
    role: "operator",
    load: page(() => import("./pages/board/Board.svelte")),
  },
  {
    path: "/graphiql",
    // A name, in all languages.
    title: "GraphQL",
    load: page(() => import("./pages/graphiql/page").then(({ load }) => load())),
  },
  { path: "/admin", title: words.shell.administration, role: "admin", load: adminPage("home") },
  { path: "/admin/users", title: words.shell.administration, role: "admin", load: adminPage("users") },
  { path: "/admin/organizations", title: words.shell.administration, role: "admin", load: adminPage("organizations") },
  { path: "/admin/api-keys", title: words.shell.administration, role: "admin", load: adminPage("api-keys") },
  { path: "/admin/airports", title: words.shell.administration, role: "admin", load: adminPage("airports") },
  { path: "/admin/airlines", title: words.shell.administration, role: "admin", load: adminPage("airlines") },
  { path: "/admin/aircraft", title: words.shell.administration, role: "admin", load: adminPage("aircraft") },
  { path: "/admin/tariffs", title: words.shell.administration, role: "admin", load: adminPage("tariffs") },
  { path: "/admin/surcharges", title: words.shell.administration, role: "admin", load: adminPage("surcharges") },
  { path: "/admin/sales", title: words.shell.administration, role: "admin", load: adminPage("sales") },
  { path: "/admin/embargoes", title: words.shell.administration, role: "admin", load: adminPage("embargoes") },
  { path: "/admin/allotments", title: words.shell.administration, role: "admin", load: adminPage("allotments") },
  { path: "/admin/stations", title: words.shell.administration, role: "operator", load: stationPage("keep") },
  { path: "/admin/tags", title: words.shell.administration, role: "admin", load: stationPage("tags") },
  { path: "/admin/collections", title: words.shell.administration, role: "admin", load: stationPage("collections") },
  { path: "/admin/tips", title: words.shell.administration, role: "operator", load: stationPage("tips") },
  { path: "/admin/import", title: words.shell.administration, role: "admin", load: adminPage("import") },
  { path: "/admin/feeds", title: words.shell.administration, role: "admin", load: adminPage("feeds") },
  { path: "/admin/feeds/{id}", title: words.shell.administration, role: "admin", load: adminPage("feed") },
  { path: "/admin/jobs", title: words.shell.administration, role: "admin", load: adminPage("jobs") },
  { path: "/admin/messages", title: words.shell.administration, role: "admin", load: adminPage("messages") },
  { path: "/admin/alerts", title: words.shell.administration, role: "admin", load: adminPage("alerts") },
  {
    path: "/admin/consolidations",
    title: words.shell.administration,
    role: "admin",
    load: adminPage("consolidations"),
  },
  { path: "/admin/audit", title: words.shell.administration, role: "admin", load: adminPage("audit") },
  { path: "/admin/analytics", title: words.shell.administration, role: "admin", load: adminPage("analytics") },
  { path: "/admin/health", title: words.shell.administration, role: "admin", load: adminPage("health") },
];
