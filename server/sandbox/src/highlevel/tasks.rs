//! Tasks of a contact, and the search for tasks across contacts.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    attached::{Attached, shown},
    body::{Kind, Property, check},
    call::Call,
    contact::{iso, set},
    location::Location,
    refusal::{Answer, Refusal},
};

/// A task.
#[derive(Debug, Clone)]
pub struct Task {
    /// Twenty letters and digits.
    pub id: String,
    /// What is to be done.
    pub title: String,
    /// More about it.
    pub body: Option<String>,
    /// A user's id.
    pub assigned_to: Option<String>,
    /// When it is due.
    pub due: OffsetDateTime,
    /// Whether it is done.
    pub completed: bool,
    /// The contact it belongs to.
    pub contact_id: String,
    /// When it was written; only webhooks tell.
    pub date_added: OffsetDateTime,
}

const CREATE: &[Property] = &[
    ("title", Kind::Text, true),
    ("body", Kind::Nullable, false),
    ("dueDate", Kind::Text, true),
    ("completed", Kind::Flag, true),
    ("assignedTo", Kind::Nullable, false),
];
const UPDATE: &[Property] = &[
    ("title", Kind::Text, false),
    ("body", Kind::Nullable, false),
    ("dueDate", Kind::Text, false),
    ("completed", Kind::Flag, false),
    ("assignedTo", Kind::Nullable, false),
];
const SEARCH: &[Property] = &[
    ("contactId", Kind::Texts, false),
    ("completed", Kind::Flag, false),
    ("assignedTo", Kind::Texts, false),
    ("query", Kind::Text, false),
    ("limit", Kind::Number, false),
    ("skip", Kind::Number, false),
    ("businessId", Kind::Text, false),
];

impl Attached for Task {
    const ONE: &'static str = "task";
    const MANY: &'static str = "tasks";
    const MISSING: &'static str = "Task not found";
    const DELETED: &'static str = "TaskDelete";
    const NEWEST_FIRST: bool = false;

    fn id(&self) -> &str {
        &self.id
    }

    fn view(&self) -> Value {
        let mut map = self.payload();
        map.remove("dateAdded");
        map.insert("completed".to_owned(), Value::from(self.completed));
        Value::Object(map)
    }

    fn payload(&self) -> Map<String, Value> {
        let mut map = Map::new();
        set(&mut map, "id", Some(self.id.clone()));
        set(&mut map, "title", Some(self.title.clone()));
        set(&mut map, "body", self.body.clone());
        set(&mut map, "assignedTo", self.assigned_to.clone());
        set(&mut map, "contactId", Some(self.contact_id.clone()));
        set(&mut map, "dueDate", Some(iso(self.due)));
        set(&mut map, "dateAdded", Some(iso(self.date_added)));
        map
    }

    fn all(location: &Location) -> &BTreeMap<String, Vec<Self>> {
        &location.tasks
    }

    fn all_mut(location: &mut Location) -> &mut BTreeMap<String, Vec<Self>> {
        &mut location.tasks
    }
}

impl Task {
    fn apply(&mut self, map: &Map<String, Value>) -> Result<(), Refusal> {
        let text = |key: &str| map.get(key).map(|value| value.as_str().map(str::to_owned));
        if let Some(Some(due)) = text("dueDate") {
            self.due = OffsetDateTime::parse(&due, &Rfc3339).map_err(|_error: time::error::Parse| {
                Refusal::unprocessable(vec!["dueDate must be a valid ISO 8601 date string".to_owned()])
            })?;
        }
        if let Some(Some(title)) = text("title") {
            self.title = title;
        }
        if let Some(body) = text("body") {
            self.body = body;
        }
        if let Some(user) = text("assignedTo") {
            self.assigned_to = user;
        }
        if let Some(completed) = map.get("completed").and_then(Value::as_bool) {
            self.completed = completed;
        }
        Ok(())
    }
}

impl Location {
    /// Writes a task from checked properties.
    pub(super) fn add_task(
        &mut self,
        contact_id: &str,
        map: &Map<String, Value>,
        now: OffsetDateTime,
    ) -> Result<Task, Refusal> {
        let mut task = Task {
            id: self.new_id(),
            title: String::new(),
            body: None,
            assigned_to: None,
            due: now,
            completed: false,
            contact_id: contact_id.to_owned(),
            date_added: now,
        };
        task.apply(map)?;
        self.tasks.entry(contact_id.to_owned()).or_default().push(task.clone());
        // Live payloads of this one event lack both (vendor issue 332, open in 2026-09).
        let mut payload = task.payload();
        payload.remove("contactId");
        payload.remove("body");
        self.tell("TaskCreate", payload);
        Ok(task)
    }

    pub(super) fn create_task(&mut self, contact_id: &str, call: &Call<'_>) -> Answer {
        self.contact(contact_id)?;
        let map = check(&call.body, CREATE)?;
        let task = self.add_task(contact_id, map, call.now)?;
        shown::<Task>(201, task.view())
    }

    /// Changes a task. No event tells of it, save of completion.
    pub(super) fn update_task(&mut self, contact_id: &str, id: &str, call: &Call<'_>, only_completed: bool) -> Answer {
        let completed: &[Property] = &[("completed", Kind::Flag, true)];
        let map = check(&call.body, if only_completed { completed } else { UPDATE })?;
        let task = self.attached::<Task>(contact_id, id)?;
        let before = task.completed;
        task.apply(map)?;
        let (view, payload, done) = (task.view(), task.payload(), task.completed && !before);
        if done {
            self.tell("TaskComplete", payload);
        }
        shown::<Task>(200, view)
    }

    pub(super) fn search_tasks(&self, call: &Call<'_>) -> Answer {
        let map = check(&call.body, SEARCH)?;
        let names = |key: &str| map.get(key).and_then(Value::as_array);
        let listed = |list: Option<&Vec<Value>>, id: Option<&str>| {
            list.is_none_or(|list| list.iter().any(|item| item.as_str() == id))
        };
        let count = |key: &str, default: u64| {
            usize::try_from(map.get(key).and_then(Value::as_u64).unwrap_or(default)).unwrap_or(usize::MAX)
        };
        let query = map.get("query").and_then(Value::as_str).map(str::to_lowercase);
        let business = map.get("businessId").and_then(Value::as_str);
        let tasks: Vec<Value> = self
            .tasks
            .values()
            .flatten()
            .filter(|task| listed(names("contactId"), Some(&task.contact_id)))
            .filter(|task| listed(names("assignedTo"), task.assigned_to.as_deref()))
            .filter(|task| map.get("completed").is_none_or(|wanted| wanted.as_bool() == Some(task.completed)))
            .filter(|task| query.as_ref().is_none_or(|query| task.title.to_lowercase().contains(query)))
            .filter(|task| {
                business.is_none()
                    || self.book.get(&task.contact_id).is_some_and(|contact| contact.business_id.as_deref() == business)
            })
            .skip(count("skip", 0))
            .take(count("limit", 25))
            .map(Task::view)
            .collect();
        Ok((200, json!({ "tasks": tasks })))
    }
}
