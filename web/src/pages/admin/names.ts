// The names of people, each read once.
import { api, take } from "../../api/client";

const names = new Map<string, Promise<string>>();

/** The e-mail address of a user; the id, if there is no such user any more. */
export function nameOf(id: string): Promise<string> {
  let name = names.get(id);
  if (!name) {
    name = take(api.GET("/api/v1/users/{id}", { params: { path: { id } } })).then(
      (answer) => answer.data.email,
      () => id,
    );
    names.set(id, name);
  }
  return name;
}
