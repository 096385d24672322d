//! A world: services, nodes, post and people, and what they do one after the other until everything is quiet.

mod rest;

use crate::{
    books::Books,
    fields::{EMAIL, PAIRS, value},
    history::{Event, Plan, Remap, Rule, Weather, What, Wish},
    node::{Node, PUBLIC_URL},
    post::Post,
    services::{CHARGIFY_URL, HIGHLEVEL_URL, Services},
    stored::Stored,
};
use domain::Side;
use engine::{Approval, Engine, EngineError, RuleDraft, StartRun};
use futures::future::{Either, select};
use std::{
    fmt::Write as _,
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// The one sync of a world.
const SYNC: &str = "contacts";
/// Nodes at work at most.
const NODES_MAX: usize = 3;
/// A world.
pub struct World {
    pub services: Arc<Services>,
    pub stored: Stored,
    nodes: Arc<Mutex<Vec<Node>>>,
    post: Arc<Post>,
    seed: u64,
    next_node: u32,
    /// The mapping over time.
    pub mapping: Vec<(u64, Vec<Rule>)>,
    /// Nothing happened that no service tells of.
    all_is_told: bool,
    /// No trouble begins any more.
    is_resting: Arc<AtomicBool>,
}

/// Something that could not be done, in words: for the trace.
type Done = Result<String, String>;

impl World {
    /// A world as planned, before its first event.
    ///
    /// # Errors
    /// When it cannot be set up, in words.
    pub async fn open(plan: &Plan, seed: u64, services: Arc<Services>) -> Result<Self, String> {
        let stored = Stored::new(Arc::clone(&services.timeline));
        let nodes = Arc::new(Mutex::new(Vec::new()));
        let post = Post::new(Arc::clone(&services), Arc::clone(&nodes), seed, plan.post);
        let mut world = Self {
            services,
            stored,
            nodes,
            post,
            seed,
            next_node: 0,
            mapping: Vec::new(),
            all_is_told: true,
            is_resting: Arc::default(),
        };
        world.set_up(plan).await.map_err(|error| format!("setting up: {error:?}"))?;
        for _ in 0..plan.nodes {
            world.start_node();
        }
        tokio::spawn(Arc::clone(&world.post).run());
        Ok(world)
    }

    async fn set_up(&mut self, plan: &Plan) -> Result<(), EngineError> {
        let engine = self.node(false).engine;
        let services = Arc::clone(&self.services);
        let viewer = engine.command_line(None).await?;
        let credential = |name: &str| {
            let (side, name) = match name {
                "TOKEN" => (Side::Highlevel, "token"),
                "API_KEY" => (Side::Chargify, "api_key"),
                _ => (Side::Chargify, "shared_key"),
            };
            Ok(services.credential(side, name).into())
        };
        engine.apply(&viewer, &file(plan, &services), &credential).await?;
        let address = |side: Side, name: &str| {
            format!("{PUBLIC_URL}/webhooks/{side}/{}", self.stored.public_id(name).unwrap_or_default())
        };
        let (highlevel, chargify) = (address(Side::Highlevel, "crm"), address(Side::Chargify, "billing"));
        self.services.send_webhooks_to(highlevel, chargify);
        self.mapping.push((0, plan.rules.clone()));
        Ok(())
    }

    fn nodes(&self) -> MutexGuard<'_, Vec<Node>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn node(&mut self, works: bool) -> Node {
        let no = self.next_node;
        self.next_node += 1;
        let node = Node::new(no, self.seed, &self.services, &self.stored);
        if works {
            node.work();
        }
        node
    }

    fn start_node(&mut self) -> String {
        let node = self.node(true);
        let name = format!("node {} starts", node.no);
        self.nodes().push(node);
        name
    }

    /// Those that live; the dead are carried out.
    fn living(&self) -> Vec<Node> {
        let mut nodes = self.nodes();
        let (dead, living) = std::mem::take(&mut *nodes).into_iter().partition::<Vec<_>, _>(|node| node.life.is_dead());
        *nodes = living;
        for node in dead {
            self.services.tally.count("nodes died");
            self.services.note(format_args!("node {} is dead, at: {}", node.no, node.life.last_step()));
        }
        nodes.iter().filter(|node| !node.is_stopping()).cloned().collect()
    }

    fn one_of(&self, which: u32) -> Option<Node> {
        let living = self.living();
        let place = usize::try_from(which).unwrap_or(0).checked_rem(living.len())?;
        living.get(place).cloned()
    }

    /// Lets something happen.
    pub async fn perform(&mut self, event: &Event) {
        self.services.timeline.sleep(Duration::from_millis(event.gap_ms)).await;
        let done = self.act(event).await;
        match done {
            Ok(what) => self.services.note(format_args!("event {:04} {} ({what})", event.no, event.what)),
            Err(why) => {
                self.services.tally.count("events that could not be");
                self.services.note(format_args!("event {:04} {}: not done, {why}", event.no, event.what));
            }
        }
    }

    async fn act(&mut self, event: &Event) -> Done {
        let services = Arc::clone(&self.services);
        // Who is free again to be matched, or was never told of, only a whole reading finds.
        let is_told = matches!(event.what, What::Edit { .. } | What::Create { .. } | What::Run { .. })
            || matches!(event.what, What::Crash { .. } | What::Weather { .. } | What::Jump { .. } | What::Approve)
            || matches!(event.what, What::CrashInCall { .. } | What::Lag { .. } | What::Shift);
        self.all_is_told &= is_told;
        let refused = |_refused| "refused".to_owned();
        match event.what {
            What::Edit { side, who, place, clear } => {
                let to = if clear { String::new() } else { value(place, event.no) };
                services.edit(side, who, place, &to).map_err(refused)
            }
            What::Create { side, complete } => services.create(side, event.no, None, complete).map_err(refused),
            What::CreateLike { side, who } => {
                let email = services.email_of(side.other(), who).ok_or("nobody is there")?;
                services.create(side, event.no, Some(&email), true).map_err(refused)
            }
            What::Delete { side, who } => services.delete(side, who).map_err(refused),
            What::Restore => services.restore().map_err(refused),
            What::Shift => services.shift().map_err(refused),
            What::Merge { from, into } => services.merge(from, into).map_err(refused),
            What::SwapEmails { one, other } => {
                services.swap_emails(one, other, &value(EMAIL, event.no)).map_err(refused)
            }
            What::Run { mode, approval } => self.start_run(mode.as_str(), approval, None).await,
            What::Chosen { who } => {
                let id = services.id_of(Side::Highlevel, who).ok_or("nobody is there")?;
                self.start_run("full", Wish::Granted, Some(vec![id])).await
            }
            What::Approve => self.decide(true).await,
            What::Cancel => self.decide(false).await,
            What::Remap { place, to } => self.remap(place, to).await,
            _ => self.trouble(event),
        }
    }

    /// What befalls the machinery.
    fn trouble(&mut self, event: &Event) -> Done {
        let services = Arc::clone(&self.services);
        match event.what {
            What::Crash { node, after } => {
                let node = self.one_of(node).ok_or("no node lives")?;
                node.life.end_after(after);
                services.tally.count("crashes");
                // Somebody restarts it: a minute is what a supervisor takes at worst.
                self.restart_later();
                Ok(format!("node {}", node.no))
            }
            What::CrashInCall { node } => {
                let node = self.one_of(node).ok_or("no node lives")?;
                services.tally.count("crashes in a call");
                tokio::spawn(die_in_call(services, node.clone(), Arc::clone(&self.is_resting)));
                self.restart_later();
                Ok(format!("node {}", node.no))
            }
            What::Lag { seconds } => {
                services.set_search_lag(seconds);
                services.tally.count("searches that tell out of order");
                Ok(String::new())
            }
            What::Start if self.living().len() < NODES_MAX => Ok(self.start_node()),
            What::Start => Err("there are enough".to_owned()),
            What::Stop { node } => {
                let node = self.one_of(node).ok_or("no node lives")?;
                node.stop();
                services.tally.count("nodes stopped in order");
                self.restart_later();
                Ok(format!("node {}", node.no))
            }
            What::Revoke { side, for_s } => {
                services.set_revoked(side, true);
                services.tally.count("keys revoked");
                later(for_s, &services, move |services| services.set_revoked(side, false));
                Ok(String::new())
            }
            What::Jump { node, by_s } => {
                let node = self.one_of(node).ok_or("no node lives")?;
                node.clock.jump(by_s * 1_000);
                services.tally.count("clocks that jumped");
                Ok(format!("node {}", node.no))
            }
            What::Weather { kind, for_s } => {
                services.set_weather(kind);
                services.tally.count("spells of weather");
                later(for_s, &services, |services| services.set_weather(Weather::Fair));
                Ok(String::new())
            }
            _ => Err("this is no trouble".to_owned()),
        }
    }

    /// After a death there is a new node soon.
    fn restart_later(&mut self) {
        // The number is taken now, so that later ones do not depend on when it starts.
        let node = self.node(false);
        let (nodes, services) = (Arc::clone(&self.nodes), Arc::clone(&self.services));
        let dice = u64::from(node.no) * 7_919 % 20_000;
        tokio::spawn(async move {
            services.timeline.sleep(Duration::from_millis(1_000 + dice)).await;
            services.note(format_args!("node {} starts", node.no));
            node.work();
            nodes.lock().unwrap_or_else(PoisonError::into_inner).push(node);
        });
    }

    /// Lets a person do something at a node, which may die over it.
    async fn at_a_node<F, Fut, T>(&self, act: F) -> Result<T, String>
    where
        F: FnOnce(Engine) -> Fut,
        Fut: Future<Output = engine::Result<T>>,
    {
        let node = self.one_of(0).ok_or("no node lives")?;
        let death = node.life.death();
        let acting = Box::pin(act(node.engine.clone()));
        match select(acting, Box::pin(death.cancelled())).await {
            Either::Left((done, _)) => done.map_err(|error| format!("{error:?}")),
            Either::Right(_) => Err("the node died over it".to_owned()),
        }
    }

    async fn start_run(&self, mode: &str, wish: Wish, chosen: Option<Vec<String>>) -> Done {
        let approval = match wish {
            Wish::Granted => Approval::Granted,
            Wish::Fuse => Approval::WhenFused,
            Wish::Always => Approval::Always,
        };
        let start = StartRun { sync: SYNC.to_owned(), mode: mode.to_owned(), chosen, approval };
        self.services.tally.count("runs asked for");
        let number = self.at_a_node(async |engine: Engine| {
            let viewer = engine.command_line(None).await?;
            engine.start_run(&viewer.runner()?, start).await
        });
        Ok(format!("run {}", number.await?))
    }

    /// Approves the run that waits, or cancels the one that goes on.
    async fn decide(&self, approve: bool) -> Done {
        let books = self.stored.books().await;
        let waits = |run: &&crate::books::Run| run.status == "awaiting_approval";
        let waiting = books.runs.iter().find(waits);
        let going = books.runs.iter().find(|run| !run.ended && !approve);
        let number = waiting.or(going).map(|run| run.number).ok_or("there is none")?;
        self.at_a_node(async |engine: Engine| {
            let runner = engine.command_line(None).await?.runner()?;
            if approve { engine.approve_run(&runner, number).await } else { engine.cancel_run(&runner, number).await }
        })
        .await?;
        Ok(format!("run {number}"))
    }

    async fn remap(&mut self, place: usize, to: Remap) -> Done {
        let mut rules = self.mapping.last().map(|(_, rules)| rules.clone()).unwrap_or_default();
        let known = rules.iter_mut().find(|rule| rule.place == place);
        match (to, known) {
            (Remap::Drop, Some(_)) => rules.retain(|rule| rule.place != place),
            (Remap::Back, None) => {
                rules.push(Rule { place, direction: Default::default(), conflict: Default::default() });
            }
            (Remap::Conflict(conflict), Some(rule)) if rule.conflict != conflict => rule.conflict = conflict,
            _ => return Err("it is so already".to_owned()),
        }
        let drafts = rules.iter().filter_map(draft).collect();
        let known = self.stored.mapping_versions();
        let saved = self
            .at_a_node(async |engine: Engine| {
                let editor = engine.command_line(None).await?.editor()?;
                engine.save_mapping(&editor, SYNC, drafts, "the simulation wants it").await
            })
            .await;
        // A node that died over it may have saved it or not.
        if saved.is_ok() || self.stored.mapping_versions() > known {
            self.mapping.push((self.services.timeline.elapsed_ms(), rules));
            self.services.tally.count("edits of the mapping");
        }
        saved.map(|version| format!("version {version}"))
    }

    /// The books at the end, the audit trail verified.
    pub async fn last_books(&mut self) -> Books {
        let engine = self.node(false).engine;
        let verified = async {
            let viewer = engine.command_line(None).await?;
            engine.verify_audit(viewer.workspace_id()).await
        };
        let fault = match verified.await {
            Ok(verdict) => verdict.first_bad.map(|fault| format!("{fault:?}")),
            Err(error) => Some(format!("{error:?}")),
        };
        Books { audit_fault: fault, ..self.stored.books().await }
    }

    /// Webhooks a service was told are taken.
    #[must_use]
    pub fn taken(&self) -> std::collections::BTreeSet<(Side, String)> {
        self.post.taken()
    }
}

/// Ends a node as soon as a call of it hangs, if one does soon.
async fn die_in_call(services: Arc<Services>, node: Node, is_resting: Arc<AtomicBool>) {
    for _ in 0..600 {
        services.timeline.sleep(Duration::from_millis(200)).await;
        if is_resting.load(Ordering::Relaxed) || node.life.is_dead() {
            return;
        }
        if services.hangs(node.no) {
            services.tally.count("nodes that died in a call");
            node.life.end();
            return;
        }
    }
}

fn later(for_s: u64, services: &Arc<Services>, then: impl FnOnce(&Services) + Send + 'static) {
    let services = Arc::clone(services);
    tokio::spawn(async move {
        services.timeline.sleep(Duration::from_secs(for_s)).await;
        then(&services);
    });
}

fn draft(rule: &Rule) -> Option<RuleDraft> {
    let pair = PAIRS.get(rule.place)?;
    Some(RuleDraft {
        highlevel: pair.contact.to_owned(),
        chargify: pair.customer.to_owned(),
        direction: rule.direction.as_str().to_owned(),
        conflict: rule.conflict.as_str().to_owned(),
        transform: String::new(),
        empty: String::new(),
    })
}

/// The sync of a plan, as a file.
fn file(plan: &Plan, services: &Services) -> String {
    let mut text = format!(
        r#"
        [[connection]]
        name = "crm"
        kind = "highlevel"
        location_id = "{}"
        token_env = "TOKEN"
        base_url = "{HIGHLEVEL_URL}"
        webhook_public_key = """{}"""

        [[connection]]
        name = "billing"
        kind = "chargify"
        subdomain = "{}"
        api_key_env = "API_KEY"
        shared_key_env = "SHARED_KEY"
        base_url = "{CHARGIFY_URL}"

        [[sync]]
        name = "{SYNC}"
        highlevel = "crm"
        chargify = "billing"
        enabled = true
        slots = {}
        create_contacts = {}
        write_reference = {}
        "#,
        services.credential(Side::Highlevel, "location_id"),
        services.credential(Side::Highlevel, "webhook_public_key"),
        services.credential(Side::Chargify, "subdomain"),
        plan.slots,
        plan.create_contacts,
        plan.write_reference,
    );
    for rule in plan.rules.iter().filter_map(draft) {
        let _written = write!(
            text,
            "\n[[sync.field]]\nhighlevel = \"{}\"\nchargify = \"{}\"\ndirection = \"{}\"\nconflict = \"{}\"\n",
            rule.highlevel, rule.chargify, rule.direction, rule.conflict
        );
    }
    text
}
