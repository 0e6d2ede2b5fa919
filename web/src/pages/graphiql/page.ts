// Loads the page after its texts: a module whose evaluation failed for want of them is never evaluated again.
import { graphiqlTexts } from "../../words/graphiqlTexts";

export const load = () => graphiqlTexts().then(() => import("./Graphiql.svelte"));
