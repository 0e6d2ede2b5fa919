/// Declares the operations of a kind of [`Listed`](crate::entries::Listed), for a router: what the API says about each, and the
/// handlers `list`, `show`, `create`, `change` and `end`. `utoipa` describes functions only, not generic ones: so each kind
/// has functions of its own, which this macro writes.
///
/// ```ignore
/// entry_operations! {
///     Note, kept by Notes, shown as (NoteBody<'_>) by NoteId,
///     at "/notes" and "/notes/{id}", tag "notes", the "note";
///     roles (Operator(caller): Operator,) as caller.role.as_str(), (Operator(_caller): Operator,), Admin; reads with Words;
///     /// List the notes in force.
///     list "listNotes" [LIST, ROLE];
///     /// Show a note in force.
///     show "getNote" [INPUT, ROLE];
///     /// Put a note into force.
///     create "createNote" of CreateNote() or ALREADY_EXISTS;
///     /// Change a note.
///     change "changeNote" of ChangeNote;
///     /// End a note.
///     end "deleteNote";
/// }
/// ```
///
/// The roles are arguments of `list`, with the reader of its cursors, and of `show`, and the role that keeps the entries. The
/// module imports the groups of problem codes as `code`.
#[macro_export]
macro_rules! entry_operations {
    (
        $entry:ty, kept by $keeper:ident, shown as ($($body:tt)+) by $id:ident,
        at $path:tt and $path_of_one:tt, tag $tag:tt, the $name:tt;
        roles ($($lister:tt)*) as $reader:expr, ($($viewer:tt)*), $admin:ident; reads with $known:ident;
        $(#[$($list_text:tt)*])*
        list $list:tt [$($list_problems:ident),*];
        $(#[$($show_text:tt)*])*
        show $show:tt [$($show_problems:ident),*];
        $(#[$($create_text:tt)*])*
        create $create:tt of $new:ident($($more:expr),*) $(or $create_problem:ident)?;
        $(#[$($change_text:tt)*])*
        change $change:tt of $patch:ident;
        $(#[$($end_text:tt)*])*
        end $end:tt;
    ) => {
        $crate::web::problem_responses!(ListProblems: [$($list_problems),*]);
        $crate::web::problem_responses!(ShowProblems: [$($show_problems),*], NOT_FOUND);
        $crate::web::problem_responses!(CreateProblems: [INPUT, ROLE, BODY, KEY] $(, $create_problem)?);
        $crate::web::problem_responses!(ChangeProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, VERSION_MISMATCH);

        $(#[$($list_text)*])*
        #[utoipa::path(get, path = $path, tag = $tag, operation_id = $list,
            params($crate::web::PageParams),
            responses((status = 200, body = Vec<$($body)+>, headers(("Link" = String))), ListProblems))]
        async fn list(
            $($lister)*
            axum::extract::State(keeper): axum::extract::State<$keeper>,
            axum::extract::State(key): axum::extract::State<$crate::web::CursorKey>,
            $crate::web::ReadRecency(recency): $crate::web::ReadRecency,
            query: $crate::web::Query,
        ) -> Result<axum::response::Response, $crate::web::Problem> {
            $crate::entries::list::<$entry>(keeper, key, recency, query, $reader).await
        }

        $(#[$($show_text)*])*
        #[utoipa::path(get, path = $path_of_one, tag = $tag, operation_id = $show,
            params(("id" = $id, Path, description = concat!("Id of the ", $name)),
                   ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
            responses((status = 200, body = $($body)+, headers(("ETag" = String))), (status = 304), ShowProblems))]
        async fn show(
            $($viewer)*
            axum::extract::State(keeper): axum::extract::State<$keeper>,
            $crate::web::PathText(id): $crate::web::PathText<$id>,
            if_none_match: $crate::web::IfNoneMatch,
            query: $crate::web::Query,
        ) -> Result<axum::response::Response, $crate::web::Problem> {
            $crate::entries::show::<$entry>(keeper, id.uuid(), if_none_match, query).await
        }

        $(#[$($create_text)*])*
        #[utoipa::path(post, path = $path, tag = $tag, operation_id = $create,
            request_body = $new, params($crate::idempotency::KeyHeader),
            responses((status = 201, body = $($body)+, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), CreateProblems))]
        async fn create(
            $admin(caller): $admin,
            axum::extract::State(keeper): axum::extract::State<$keeper>,
            axum::extract::State(known): axum::extract::State<$known>,
            request: $crate::work::CreateRequest,
        ) -> Result<$crate::idempotency::Answer, $crate::web::Problem> {
            let terms = request.body().read(|fields| $new::read(fields, &known $(, $more)*)).map(Into::into);
            $crate::entries::create::<$entry>(keeper, caller.user_id, terms, request).await
        }

        $(#[$($change_text)*])*
        #[utoipa::path(patch, path = $path_of_one, tag = $tag, operation_id = $change,
            request_body(content(($patch = "application/json"), ($patch = "application/merge-patch+json"))),
            params(("id" = $id, Path, description = concat!("Id of the ", $name)), $crate::idempotency::KeyHeader,
                   ("If-Match" = Option<String>, Header, description = concat!("Make the change only if the ", $name, " still has the version of this ETag"))),
            responses((status = 200, body = $($body)+, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
        async fn change(
            $admin(caller): $admin,
            axum::extract::State(keeper): axum::extract::State<$keeper>,
            axum::extract::State(known): axum::extract::State<$known>,
            $crate::web::PathText(id): $crate::web::PathText<$id>,
            request: $crate::work::ChangeRequest,
        ) -> Result<$crate::idempotency::Answer, $crate::web::Problem> {
            let input = request.body().read_patch(|fields| $patch::read(fields, &known));
            $crate::entries::change::<$entry>(keeper, caller.user_id, id.uuid(), input, request).await
        }

        $(#[$($end_text)*])*
        #[utoipa::path(delete, path = $path_of_one, tag = $tag, operation_id = $end,
            params(("id" = $id, Path, description = concat!("Id of the ", $name)), $crate::idempotency::KeyHeader,
                   ("If-Match" = Option<String>, Header, description = concat!("End it only if the ", $name, " still has the version of this ETag"))),
            responses((status = 200, body = $($body)+, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
        async fn end(
            $admin(caller): $admin,
            axum::extract::State(keeper): axum::extract::State<$keeper>,
            $crate::web::PathText(id): $crate::web::PathText<$id>,
            request: $crate::work::ChangeRequest,
        ) -> Result<$crate::idempotency::Answer, $crate::web::Problem> {
            $crate::entries::end::<$entry>(keeper, caller.user_id, id.uuid(), request).await
        }
    };
}

pub use entry_operations;
