//! Routes with what the API's description says of them. The description is built when somebody reads it: at each start it would
//! take longer than all else.
use std::convert::Infallible;

use axum::{
    Router,
    handler::Handler,
    http::Method,
    routing::{MethodFilter, MethodRouter},
};
pub use pastey::paste;
use utoipa::{
    __dev::{SchemaReferences, Tags},
    Path,
    openapi::{ComponentsBuilder, HttpMethod, OpenApi, Paths},
};

/// A method of a path, and what describes it.
#[derive(Clone)]
pub struct Operation {
    pub path: String,
    methods: Vec<HttpMethod>,
    describe: fn(&Self, &mut OpenApi),
}

impl Operation {
    fn of<P>() -> Self
    where
        P: Path + SchemaReferences + Tags<'static>,
    {
        Self { path: P::path(), methods: P::methods(), describe: Self::describe_as::<P> }
    }

    fn describe_as<P>(&self, document: &mut OpenApi)
    where
        P: Path + SchemaReferences + Tags<'static>,
    {
        let mut operation = P::operation();
        let tags = P::tags();
        if !tags.is_empty() {
            operation.tags.get_or_insert_default().extend(tags.into_iter().map(str::to_owned));
        }
        let mut paths = Paths::new();
        paths.add_path_operation(&self.path, self.methods.clone(), operation);
        let mut schemas = Vec::new();
        P::schemas(&mut schemas);
        for (path, item) in paths.paths {
            match document.paths.paths.get_mut(&path) {
                Some(known) => known.merge_operations(item),
                None => drop(document.paths.paths.insert(path, item)),
            }
        }
        document.components.get_or_insert_with(|| ComponentsBuilder::new().build()).schemas.extend(schemas);
    }

    pub fn methods(&self) -> impl Iterator<Item = Method> + '_ {
        self.methods.iter().map(|method| match method {
            HttpMethod::Get => Method::GET,
            HttpMethod::Put => Method::PUT,
            HttpMethod::Post => Method::POST,
            HttpMethod::Delete => Method::DELETE,
            HttpMethod::Options => Method::OPTIONS,
            HttpMethod::Head => Method::HEAD,
            HttpMethod::Patch => Method::PATCH,
            HttpMethod::Trace => Method::TRACE,
        })
    }
}

/// The handlers of one path. `routes!` lists them.
pub struct Handlers<S> {
    operations: Vec<Operation>,
    router: MethodRouter<S, Infallible>,
}

impl<S: Clone + Send + Sync + 'static> Default for Handlers<S> {
    fn default() -> Self {
        Self { operations: Vec::new(), router: MethodRouter::new() }
    }
}

impl<S: Clone + Send + Sync + 'static> Handlers<S> {
    #[must_use]
    pub fn and<P, H, T>(mut self, handler: H) -> Self
    where
        P: Path + SchemaReferences + Tags<'static>,
        H: Handler<T, S>,
        T: 'static,
    {
        let operation = Operation::of::<P>();
        let filters = operation.methods().filter_map(|method| MethodFilter::try_from(method).ok());
        if let Some(filter) = filters.reduce(MethodFilter::or) {
            self.router = self.router.on(filter, handler);
        }
        self.operations.push(operation);
        self
    }
}

/// Lists handlers of one path: names of functions with `utoipa::path`, of this module or of one that is named before it.
#[macro_export]
macro_rules! routes {
    ($($first:ident $(:: $second:ident)?),+ $(,)?) => {
        $crate::web::Handlers::default()$(.and::<$crate::routes!(@described $first $(:: $second)?), _, _>($first $(:: $second)?))+
    };
    (@described $handler:ident) => { $crate::web::paste!([<__path_ $handler>]) };
    (@described $module:ident :: $handler:ident) => { $crate::web::paste!($module::[<__path_ $handler>]) };
}

pub use routes;

/// A router that knows its operations.
#[derive(Clone)]
pub struct ApiRouter<S = ()> {
    router: Router<S>,
    operations: Vec<Operation>,
}

impl<S: Clone + Send + Sync + 'static> Default for ApiRouter<S> {
    fn default() -> Self {
        Self { router: Router::new(), operations: Vec::new() }
    }
}

impl<S: Clone + Send + Sync + 'static> ApiRouter<S> {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn routes(mut self, handlers: Handlers<S>) -> Self {
        if let Some(Operation { path, .. }) = handlers.operations.first() {
            self.router = self.router.route(path, handlers.router);
        }
        self.operations.extend(handlers.operations);
        self
    }

    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.operations.extend(other.operations);
        Self { router: self.router.merge(other.router), operations: self.operations }
    }

    /// Adds routes below a path.
    #[must_use]
    pub fn nest(mut self, prefix: &str, other: Self) -> Self {
        let below = |operation: Operation| Operation { path: format!("{prefix}{}", operation.path), ..operation };
        self.operations.extend(other.operations.into_iter().map(below));
        Self { router: self.router.nest(prefix, other.router), operations: self.operations }
    }

    pub fn with_state<T>(self, state: S) -> ApiRouter<T> {
        ApiRouter { router: self.router.with_state(state), operations: self.operations }
    }

    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Builds the description of its operations.
    pub fn describe(&self) -> OpenApi {
        let mut document = OpenApi::default();
        for operation in &self.operations {
            (operation.describe)(operation, &mut document);
        }
        document
    }

    pub fn into_router(self) -> Router<S> {
        self.router
    }
}
