use crate::{
    features::accounts::people::model::{Act, ActAnchor, ActFilter},
    kernel::{ActId, UserId},
    platform::postgres::PgSession,
};

pub async fn insert_act(db: &mut PgSession, act: &Act) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into admin_acts (id, act, actor_id, subject_kind, subject_id, data, request_id, acted_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        act.id.uuid(),
        act.name,
        act.actor_id.map(UserId::uuid),
        act.subject_kind,
        act.subject_id,
        act.data,
        act.request_id,
        act.acted_at,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Newest first.
pub async fn list_acts(
    db: &mut PgSession,
    filter: &ActFilter,
    after: Option<ActAnchor>,
    offset: u32,
    limit: i64,
) -> sqlx::Result<Vec<Act>> {
    sqlx::query_as!(
        Act,
        r#"select id as "id: ActId", act as name, actor_id as "actor_id: UserId", subject_kind, subject_id, data, request_id,
                  acted_at
           from admin_acts
           where ($1::uuid is null or actor_id = $1)
             and ($2::text is null or subject_id = $2)
             and ($3::text is null or act = $3)
             and ($4::uuid is null or id < $4)
           order by id desc
           offset $5 limit $6"#,
        filter.actor_id.map(UserId::uuid),
        filter.subject_id,
        filter.act,
        after.map(|ActAnchor(id)| id.uuid()),
        i64::from(offset),
        limit,
    )
    .fetch_all(db)
    .await
}
