// The console's texts with those of the page of GraphiQL, for that page alone.
import { graphiqlTexts } from "./graphiqlTexts";
import { shown, words as common } from "./index";

export const words = { ...common, ...shown(await graphiqlTexts()) };
