//! Builds the library's schema from the types.
use std::sync::Arc;

use async_graphql::{
    ServerError, ValidationMode, ValidationResult,
    async_trait::async_trait,
    dynamic::{
        Enum, Field, FieldFuture, InputObject, InputValue, Object, Scalar, Schema, SchemaBuilder, Subscription,
        SubscriptionField, SubscriptionFieldFuture, TypeRef, Union,
    },
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextValidation},
};

use super::{
    derive::SCALARS,
    model::{Kind, Member, Model, Root, RootKind, Shape, Type, Use, capitalized},
};

/// The schema in its forms.
#[derive(Debug)]
pub(crate) struct Schemas {
    /// Answers questions about the schema, without a validation.
    pub whole: Schema,
    /// Executes nothing: it validates.
    pub validated: Schema,
}

impl Schemas {
    pub fn new(model: &Model) -> anyhow::Result<Self> {
        let build = || {
            let roots = |kind| model.roots.iter().filter(move |root| root.kind == kind);
            let object =
                |kind: RootKind| roots(kind).fold(Object::new(kind.name()), |object, root| object.field(field(root)));
            let subscription = roots(RootKind::Subscription)
                .fold(Subscription::new(RootKind::Subscription.name()), |all, root| all.field(followed(root)));
            let [query, mutation, follow] =
                [RootKind::Query, RootKind::Mutation, RootKind::Subscription].map(RootKind::name);
            let builder = Schema::build(query, Some(mutation), Some(follow))
                .register(object(RootKind::Query))
                .register(object(RootKind::Mutation))
                .register(subscription);
            types(model).into_iter().fold(builder, SchemaBuilder::register).disable_suggestions()
        };
        let whole = build().validation_mode(ValidationMode::Fast).finish()?;
        Ok(Self { whole, validated: build().extension(Validation).finish()? })
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
    types.extend(model.types.iter().map(|(name, of)| registered(name, of)));
    types
}

fn registered(name: &str, of: &Type) -> async_graphql::dynamic::Type {
    let about = of.about.clone().unwrap_or_default();
    match &of.kind {
        Kind::Object(members) => {
            let object = Object::new(name).description(about);
            members.iter().fold(object, |object, member| object.field(shown(member))).into()
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

/// Returns a member of an object. The library only describes it.
fn shown(member: &Member) -> Field {
    let field = Field::new(&member.name, type_ref(&member.of), |_| FieldFuture::Value(None));
    match &member.about {
        Some(about) => field.description(about),
        None => field,
    }
}

fn given(name: &str, of: &Use, about: Option<&String>) -> InputValue {
    let value = InputValue::new(name, type_ref(of));
    match about {
        Some(about) => value.description(about),
        None => value,
    }
}

fn field(root: &Root) -> Field {
    let field = Field::new(root.name, type_ref(&root.answer.of()), |_| FieldFuture::Value(None));
    arguments(root).fold(field, Field::argument).description(about(root))
}

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
