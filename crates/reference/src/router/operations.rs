/// Declares the routes of a kind of entries: the handlers, the same for each kind, with what the API says about them. `utoipa`
/// describes functions only, not generic ones: so each kind has functions of its own, which this macro writes.
macro_rules! operations_of {
    (
        $kind:ident by $code:ident, $code_text:tt, shown as $body:ident;
        at $path:tt, $path_of_one:tt, $import_path:tt, $export_path:tt, $bulk_path:tt;
        columns [$($column:tt),* $(,)?];
        $(#[$($show_text:tt)*])*
        show $show:tt;
        $(#[$($create_text:tt)*])*
        create $create:tt of $new:ident;
        $(#[$($change_text:tt)*])*
        change $change:tt of $patch:ident;
        $(#[$($delete_text:tt)*])*
        delete $delete:tt;
        $(#[$($import_text:tt)*])*
        import $import:tt;
        $(#[$($export_text:tt)*])*
        export $export:tt by $filters:ident, |$current:ident, $filter:ident| $chosen:expr;
        $(#[$($bulk_text:tt)*])*
        bulk $bulk:tt of $many:ident, |$verb:ident| $wanted:expr;
    ) => {
        use axum::{extract::State, response::Response};
        use loadmaster_accounts::Admin;
        use loadmaster_platform::{
            idempotency::{Answer, KeyHeader},
            tables::{ExportParams, ImportSummary},
            web::{IfNoneMatch, PathText, Problem, Query, bulk::BulkResult, problem_responses},
            work::{BatchRequest, ChangeRequest, CreateRequest},
        };
        use loadmaster_platform::web::{ApiRouter, routes};

        use super::{
            HandlerState, ShowProblems,
            entries::{self, ChangeProblems, CreateProblems, DeleteProblems, ExportProblems, TableProblems},
        };

        use crate::{Reference, error::code, keep::Keeper};

        pub(in super::super) fn operations() -> ApiRouter<HandlerState> {
            ApiRouter::new().routes(routes!(create)).routes(routes!(show, change, delete))
        }

        pub(in super::super) fn tables() -> ApiRouter<HandlerState> {
            ApiRouter::new().routes(routes!(import)).routes(routes!(export))
        }

        pub(in super::super) fn bulk() -> ApiRouter<HandlerState> {
            ApiRouter::new().routes(routes!(act))
        }

        /// The columns of an export, which an import takes.
        const COLUMNS: &[&str] = &[$($column),*];

        problem_responses!(BulkProblems: [INPUT, ROLE, BODY]);

        $(#[$($show_text)*])*
        #[utoipa::path(get, path = $path_of_one, operation_id = $show, tag = "reference data",
            params(("code" = $code, Path, description = $code_text),
                   ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
            responses((status = 200, body = $body<'_>, headers(("ETag" = String))), (status = 304), ShowProblems))]
        pub(super) async fn show(
            State(reference): State<Reference>,
            PathText(code): PathText<$code>,
            if_none_match: IfNoneMatch,
            query: Query,
        ) -> Result<Response, Problem> {
            let found = entries::known::<$kind>(&reference.current(), code)?;
            query.refuse_all()?;
            Ok(entries::shown(&*found, &if_none_match))
        }

        $(#[$($create_text)*])*
        ///
        /// Every server knows it within a second.
        #[utoipa::path(post, path = $path, operation_id = $create, tag = "reference data",
            request_body = $new, params(KeyHeader),
            responses((status = 201, body = $body<'_>, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), CreateProblems))]
        async fn create(
            Admin(caller): Admin,
            State(keeper): State<Keeper>,
            request: CreateRequest,
        ) -> Result<Answer, Problem> {
            entries::create::<$kind>(caller, keeper, request).await
        }

        $(#[$($change_text)*])*
        #[utoipa::path(patch, path = $path_of_one, operation_id = $change, tag = "reference data",
            request_body(content(($patch = "application/json"), ($patch = "application/merge-patch+json"))),
            params(("code" = $code, Path, description = $code_text), KeyHeader,
                   ("If-Match" = Option<String>, Header, description = "Make the change only if the entry still has the version of this ETag")),
            responses((status = 200, body = $body<'_>, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
        async fn change(
            Admin(caller): Admin,
            State(keeper): State<Keeper>,
            PathText(code): PathText<$code>,
            request: ChangeRequest,
        ) -> Result<Answer, Problem> {
            let input = request.body().read_patch($patch::read);
            entries::change::<$kind>(caller, keeper, code, input, request).await
        }

        $(#[$($delete_text)*])*
        #[utoipa::path(delete, path = $path_of_one, operation_id = $delete, tag = "reference data",
            params(("code" = $code, Path, description = $code_text), KeyHeader,
                   ("If-Match" = Option<String>, Header, description = "Delete it only if the entry still has the version of this ETag")),
            responses((status = 204, headers(("Idempotency-Replayed" = Option<bool>))), DeleteProblems))]
        async fn delete(
            Admin(caller): Admin,
            State(keeper): State<Keeper>,
            PathText(code): PathText<$code>,
            request: ChangeRequest,
        ) -> Result<Answer, Problem> {
            entries::delete::<$kind>(caller, keeper, code, request).await
        }

        $(#[$($import_text)*])*
        #[utoipa::path(post, path = $import_path, tag = "reference data", operation_id = $import,
            params(("dry_run" = Option<bool>, Query, description = "Validate the table and count the changes, but change nothing"), KeyHeader),
            request_body(content((String = "text/csv"), (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
            responses((status = 200, body = ImportSummary, headers(("Idempotency-Replayed" = Option<bool>))), TableProblems))]
        async fn import(
            Admin(caller): Admin,
            State(keeper): State<Keeper>,
            request: BatchRequest,
        ) -> Result<Answer, Problem> {
            entries::import::<$kind>(caller, keeper, request).await
        }

        $(#[$($export_text)*])*
        ///
        /// A table with the columns that an import takes. In CSV every text is quoted, and one that a spreadsheet could take for a
        /// formula gets a leading `'`, which an import takes off again.
        #[utoipa::path(get, path = $export_path, tag = "reference data", operation_id = $export,
            params($filters, ExportParams),
            responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
                       headers(("Content-Disposition" = String))), ExportProblems))]
        async fn export(State(reference): State<Reference>, query: Query) -> Result<Response, Problem> {
            let ($filter, params) = query.read(|fields| Some(($filters::read(fields)?, ExportParams::read(fields)?)))?;
            let $current = reference.current();
            entries::export(COLUMNS, &params, $chosen).await
        }

        $(#[$($bulk_text)*])*
        ///
        /// Each row is a transaction of its own and is judged as the single change would be. A row that is refused has its `problem`,
        /// and the others go on. With an `Idempotency-Key` each row has the key `<key>/<id>`: a repetition does what is left and
        /// nothing twice.
        #[utoipa::path(post, path = $bulk_path, tag = "reference data", operation_id = $bulk,
            request_body = $many, params(KeyHeader),
            responses((status = 200, body = BulkResult), BulkProblems))]
        async fn act(
            Admin(caller): Admin,
            State(keeper): State<Keeper>,
            request: BatchRequest,
        ) -> Result<Response, Problem> {
            let input = request.body().read($many::read);
            let input = input.map(|$many { action: $verb, ids }| ($verb.as_str().to_owned(), ids, $wanted));
            entries::act::<$kind>(caller, keeper, input, request).await
        }
    };
}

pub(super) use operations_of;
