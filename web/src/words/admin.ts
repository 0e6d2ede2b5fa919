// The console's texts with those of administrators, for their pages alone: the first load of everybody else is without them.
import { enAdmin } from "./en-admin";
import { shown, words as common } from "./index";

export const words = { ...common, ...shown(enAdmin) };
