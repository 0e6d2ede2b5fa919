// What administrators may change of a user, and how each is typed in.
import type { Schemas } from "../../../api/problem";
import { words } from "../../../words/admin";
import type { Member } from "../edit/members";

export type User = Schemas["UserBody"];
export type Role = "customer" | "operator" | "admin";
export const ROLES: readonly Role[] = ["customer", "operator", "admin"];

/** The filters of the list, as the API and the address name them. */
export interface Given {
  q?: string;
  role?: Role;
  organization_id?: string;
  disabled?: boolean;
}

export const MEMBERS = [
  {
    name: "role",
    label: words.account.role,
    type: "choice",
    options: ROLES.map((role) => ({ value: role, label: words.roles[role] })),
  },
  {
    name: "organization_id",
    label: words.admin.organization,
    type: "organization",
    hint: words.admin.users.organizationHint,
  },
  {
    name: "disabled",
    label: words.admin.state,
    type: "either",
    options: [
      { value: "false", label: words.admin.enabled },
      { value: "true", label: words.admin.disabled },
    ],
    hint: words.admin.users.disabledHint,
  },
] as const satisfies Member<keyof User & string>[];
