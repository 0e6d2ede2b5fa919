//! Builds the library's schema from the types.
use std::sync::Arc;

use async_graphql::{
    ServerError, ValidationResult,
    async_trait::async_trait,
    dynamic::{
        Enum, Field, InputObject, InputValue, Object, Scalar, Schema, SchemaBuilder, Subscription, SubscriptionField,
        SubscriptionFieldFuture, TypeRef, Union,
    },
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextValidation},
};

use super::{
    derive::SCALARS,
    model::{Answer, Kind, Member, Model, Root, RootKind, Shape, Type, Use, capitalized, connection, edge},
    operations::{BOOKINGS, FLIGHT_IDS},
    resolve,
};

/// The names of the roots.
const QUERY: &str = "Query";
const MUTATION: &str = "Mutation";
const SUBSCRIPTION: &str = "Subscription";

/// The schema in its forms.
#[derive(Debug)]
pub(crate) struct Schemas {
    /// With all roots.
    pub whole: Schema,
    /// Executes nothing: it validates.
    pub validated: Schema,
    /// Its root is that of the subscriptions: it shows one event as the client asked.
    pub events: Schema,
}

impl Schemas {
    pub fn new(model: &Model) -> anyhow::Result<Self> {
        let of = |kind| model.roots.iter().filter(move |root| root.kind == kind);
        let object = |name: &str, kind| of(kind).fold(Object::new(name), |object, root| object.field(field(root)));
        let subscription = || {
            of(RootKind::Subscription)
                .fold(Subscription::new(SUBSCRIPTION), |subscription, root| subscription.field(followed(root)))
        };
        let whole = || {
            Schema::build(QUERY, Some(MUTATION), Some(SUBSCRIPTION))
                .register(object(QUERY, RootKind::Query))
                .register(object(MUTATION, RootKind::Mutation))
                .register(subscription())
        };
        let events = Schema::build(SUBSCRIPTION, None, None)
            .register(object(SUBSCRIPTION, RootKind::Subscription))
            .disable_introspection();
        let [whole, validated, events] = [whole(), whole().extension(Validation), events].map(|builder| {
            let builder = types(model).into_iter().fold(builder, SchemaBuilder::register);
            builder.disable_suggestions().finish()
        });
        Ok(Self { whole: whole?, validated: validated?, events: events? })
    }
}

/// Ends an execution after the validation, with the errors that this has found.
struct Validation;

impl ExtensionFactory for Validation {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait]
impl Extension for Validation {
    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        next.run(ctx).await.and(Err(Vec::new()))
    }
}

/// Returns all types but the roots.
fn types(model: &Model) -> Vec<async_graphql::dynamic::Type> {
    let mut types: Vec<async_graphql::dynamic::Type> = Vec::new();
    for (name, specified_by, about) in SCALARS {
        let scalar = Scalar::new(name).description(about);
        types.push(match specified_by {
            Some(page) => scalar.specified_by_url(page).into(),
            None => scalar.into(),
        });
    }
    types.extend(model.types.iter().map(|(name, of)| registered(model, name, of)));
    types.push(resolve::page_info().into());
    for root in &model.roots {
        if let Answer::Connection(item, is_counted) = &root.answer {
            types.push(resolve::connection(&connection(item), item, *is_counted).into());
            types.push(resolve::edge(&edge(item), item).into());
        }
    }
    types
}

fn registered(model: &Model, name: &str, of: &Type) -> async_graphql::dynamic::Type {
    let about = of.about.clone().unwrap_or_default();
    match &of.kind {
        Kind::Object(members) => {
            let object = Object::new(name).description(about);
            members.iter().fold(object, |object, member| object.field(shown(model, name, member))).into()
        }
        Kind::Input(members) => {
            let input = InputObject::new(name).description(about);
            members
                .iter()
                .fold(input, |input, member| input.field(given(&member.name, &member.of, member.about.as_ref())))
                .into()
        }
        Kind::Enum(words) => {
            words.iter().fold(Enum::new(name).description(about), |words, word| words.item(word.as_str())).into()
        }
        Kind::Union(members) => members.iter().fold(Union::new(name).description(about), Union::possible_type).into(),
    }
}

pub(crate) fn type_ref(of: &Use) -> TypeRef {
    let shape = match &of.shape {
        Shape::Named(name) => TypeRef::named(name.clone()),
        Shape::List(item) => TypeRef::List(Box::new(type_ref(item))),
    };
    if of.is_nullable { shape } else { TypeRef::NonNull(Box::new(shape)) }
}

/// Returns a member of an object: a relation, or what REST answered.
fn shown(model: &Model, owner: &str, member: &Member) -> Field {
    let of = type_ref(&member.of);
    let field = match (owner, member.rest.as_str()) {
        (owner, "payments") if BOOKINGS.contains(&owner) => Field::new(&member.name, of, resolve::payments),
        (_, "flight") if is_relation(model, owner, "flight_id") => Field::new(&member.name, of, resolve::flight),
        (_, "flights") if is_relation(model, owner, FLIGHT_IDS) => Field::new(&member.name, of, resolve::flights),
        _ => {
            let kind = model.types.get(member.of.name()).map(|of| &of.kind);
            let is_leaf = !matches!(kind, Some(Kind::Object(_) | Kind::Union(_)));
            let rest = member.rest.clone();
            Field::new(&member.name, of, move |ctx| resolve::member(ctx.parent_value, &rest, is_leaf))
        }
    };
    match &member.about {
        Some(about) => field.description(about),
        None => field,
    }
}

/// Returns whether a type has the member from which a relation leads.
fn is_relation(model: &Model, owner: &str, from: &str) -> bool {
    let Some(Type { kind: Kind::Object(members), .. }) = model.types.get(owner) else { return false };
    members.iter().any(|member| member.rest == from)
}

fn given(name: &str, of: &Use, about: Option<&String>) -> InputValue {
    let value = InputValue::new(name, type_ref(of));
    match about {
        Some(about) => value.description(about),
        None => value,
    }
}

/// Returns a field of a root: a call of REST.
fn field(root: &Root) -> Field {
    let called = root.clone();
    let field = Field::new(root.name, type_ref(&root.answer.of()), move |ctx| resolve::root(&called, ctx));
    arguments(root).fold(field, Field::argument).description(about(root))
}

/// Returns a field of the subscriptions as the schema shows it. What it sends comes from the schema of the events.
fn followed(root: &Root) -> SubscriptionField {
    let field = SubscriptionField::new(root.name, type_ref(&root.answer.of()), |_| {
        SubscriptionFieldFuture::new(async {
            Ok(futures_util::stream::empty::<async_graphql::Result<async_graphql::Value>>())
        })
    });
    arguments(root).fold(field, SubscriptionField::argument).description(about(root))
}

fn arguments(root: &Root) -> impl Iterator<Item = InputValue> {
    root.arguments.iter().map(|argument| given(&argument.name, &argument.of, argument.about.as_ref()))
}

fn about(root: &Root) -> String {
    root.about.clone().unwrap_or_else(|| capitalized(root.name))
}
