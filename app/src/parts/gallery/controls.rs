//! Buttons, form rows, states, notices.

use leptos::prelude::*;

use super::super::*;

/// Everything that is pressed, typed or read as a state.
#[component]
pub fn Controls() -> impl IntoView {
    view! {
        <div class="cols-2">
            <div class="stack">
                <Buttons />
                <States />
            </div>
            <div class="stack">
                <Forms />
                <Messages />
            </div>
        </div>
        <Icons />
    }
}

#[component]
fn Buttons() -> impl IntoView {
    view! {
        <Card title="Buttons" note="one primary a page">
            <dl class="specimens">
                <dt>"rest"</dt>
                <dd>
                    <Button text="Approve 1,590 changes" press=Press::Primary />
                    <Button text="Export" glyph=Glyph::Download />
                    <Button text="Discard" press=Press::Bare />
                    <Button text="Cancel…" press=Press::Danger glyph=Glyph::Stop />
                </dd>
                <dt>"small"</dt>
                <dd>
                    <LinkButton text="Watch" href="#watch" small=true />
                    <LinkButton text="Older" href="#older" small=true glyph=Glyph::Right after=true />
                    <Button text="Close" press=Press::Bare small=true glyph=Glyph::Close icon_only=true />
                    <Button text="Remove the row" small=true glyph=Glyph::Trash icon_only=true press=Press::Danger />
                </dd>
                <dt>"busy"</dt>
                <dd>
                    <Button text="Approving" press=Press::Primary busy=true />
                    <Button text="Exporting" glyph=Glyph::Download busy=true />
                </dd>
                <dt>"disabled"</dt>
                <dd>
                    <Button text="Approve" press=Press::Primary disabled=true />
                    <span class="meta">
                        "Only an owner may approve. " <a href="#team">"Ask Amara Nwosu"</a>
                    </span>
                </dd>
            </dl>
        </Card>
    }
}

#[component]
fn States() -> impl IntoView {
    view! {
        <Card title="State: icon, word, colour">
            <dl class="specimens">
                <dt>"badge"</dt>
                <dd>
                    <Badge tone=Tone::Ok text="In step" />
                    <Badge tone=Tone::Accent text="Running" glyph=Glyph::Turning />
                    <Badge tone=Tone::Warn text="Waits for a decision" glyph=Glyph::Ambiguous />
                    <Badge tone=Tone::Bad text="Failed" />
                    <Badge tone=Tone::Idle text="Paused" glyph=Glyph::Paused />
                </dd>
                <dt>"in a table"</dt>
                <dd>
                    <EndingState ending=Ending::ToCreate />
                    <EndingState ending=Ending::ToUpdate />
                    <EndingState ending=Ending::ToGo />
                    <EndingState ending=Ending::Created />
                    <EndingState ending=Ending::Updated />
                    <EndingState ending=Ending::Unchanged />
                    <EndingState ending=Ending::Echo />
                    <EndingState ending=Ending::LeftOut />
                    <EndingState ending=Ending::Ambiguous />
                    <EndingState ending=Ending::Conflict />
                    <EndingState ending=Ending::Parked />
                    <EndingState ending=Ending::WouldFail />
                    <EndingState ending=Ending::Failed />
                </dd>
                <dt>"sides"</dt>
                <dd>
                    <SideName half=Half::HighLevel />
                    <SideName half=Half::Chargify />
                    <SideName half=Half::Both />
                    <SideName half=Half::Drifted />
                </dd>
                <dt>"chips"</dt>
                <dd>
                    <Chip text="trim" />
                    <Chip text="E.164, Sweden" />
                    <Chip text="lower case" />
                </dd>
                <dt>"diff"</dt>
                <dd>
                    <Diffs changes=vec![
                        Change::new("phone", "+842455501132", "+842455501198"),
                        Change::new("country", "", "HU"),
                        Change::new("company", "Lindqvist Cykel AB", ""),
                        Change::new("name", "דוד כהן", "דויד כהן"),
                    ] more=5 />
                </dd>
                <dt>"setting"</dt>
                <dd>
                    <SettingChange change=Change::new("When both sides changed", "ask a person", "newest wins") />
                </dd>
            </dl>
        </Card>
    }
}

#[component]
fn Forms() -> impl IntoView {
    let directions = || {
        vec![
            Choice::new("both", "both ways"),
            Choice::new("to_chargify", "to Chargify"),
            Choice::new("to_highlevel", "to GoHighLevel"),
        ]
    };
    let numbers = vec![
        Choice::new("highlevel", "+46701740635").hint("changes Chargify, 1 call"),
        Choice::new("chargify", "+46701740688").hint("changes GoHighLevel, 1 call"),
        Choice::new("base", "+46701740601").hint("goes back on both, 2 calls"),
    ];
    view! {
        <Card title="Form row" note="label, control, help or error">
            <div class="form two">
                <TextField
                    label="Subdomain"
                    name="subdomain"
                    value="meridian-eu"
                    hint="The part before .chargify.com. A pasted address works too."
                />
                <TextField
                    label="API key"
                    name="api_key"
                    takes=Takes::Secret
                    placeholder="Paste to replace"
                    hint="Sealed when saved; it can be replaced, never read."
                    required=true
                />
                <TextField
                    label="Slots"
                    name="slots"
                    value=6_u64
                    takes=Takes::Number
                    error="Between 1 and 4. Chargify refuses more for one site."
                />
                <TextField
                    label="Location"
                    name="location"
                    value="ve9EPM428h8vShlRW1KT"
                    mono=true
                    fixed=true
                    hint="Fixed once pairs exist: 7,459 depend on it."
                />
                <SelectField label="Direction" name="direction" choices=directions() chosen="to_chargify" />
                <TextField label="Reason" name="reason" optional=true />
                <div class="full">
                    <Check
                        label="Switch it on when it is saved"
                        name="enabled"
                        checked=true
                        hint="Webhooks and schedules may write. Off: only runs started by hand."
                    />
                    <Check label="Delete customers" name="deletes" disabled=true hint="Chargify customers are never deleted by default." />
                </div>
                <div class="full">
                    <Choices legend="Which phone number is right?" name="phone" choices=numbers chosen="highlevel" />
                </div>
                <AreaField label="Public key" name="public_key" mono=true optional=true hint="HighLevel’s published key when left empty." />
            </div>
        </Card>
    }
}

#[component]
fn Messages() -> impl IntoView {
    view! {
        <Card title="Notices and toast" note="what happened · is my data safe · what to press">
            <Notice
                tone=Tone::Warn
                glyph=Glyph::Paused
                what="Chargify asked us to slow down."
                safety="Writing goes on in 4 min 10 s. Nothing is lost."
            >
                <Actions slot>
                    <LinkButton text="Details" href="#details" small=true />
                </Actions>
            </Notice>
            <Notice tone=Tone::Bad glyph=Glyph::Key what="Chargify refused the API key." safety="12 changes wait. Nothing was written.">
                <Actions slot>
                    <LinkButton text="Replace key" href="#key" small=true />
                </Actions>
            </Notice>
            <Notice tone=Tone::Ok what="The connection works." safety="Seven of seven checks passed in 1.2 s." />
            <Notice tone=Tone::Accent glyph=Glyph::Info what="This is a plan." safety="Nothing is written before you approve it." />
            <Toast tone=Tone::Ok text="3 records left out of plan 214." still=true>
                <Actions slot>
                    <Button text="Undo" press=Press::Bare small=true />
                </Actions>
            </Toast>
        </Card>
    }
}

#[component]
fn Icons() -> impl IntoView {
    let icons = Glyph::ALL
        .iter()
        .map(|glyph| {
            view! {
                <li class="state">
                    <Icon glyph=*glyph />
                    {glyph.id().trim_start_matches("i-")}
                </li>
            }
        })
        .collect_view();
    view! {
        <Card title="Icons" note="16 px, 1.5 px stroke, drawn here">
            <ul class="legend">{icons}</ul>
        </Card>
    }
}
