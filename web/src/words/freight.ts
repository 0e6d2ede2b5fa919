// The console's texts with those of the dimensions of freight: the first load is without them.
import { shown, words as common } from "./index";
import { freightTexts } from "./language";

export const words = { ...common, ...shown(await freightTexts()) };
