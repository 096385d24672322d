//! A person with a browser that runs no script: opens pages, fills in the forms it finds there, keeps the cookie.

use app::page::encoded;
use reqwest::{Client, Response, StatusCode, header};

/// The browser. Redirects are followed by hand, so that tests see them.
pub(crate) struct Browser {
    client: Client,
    base: String,
    cookie: String,
}

/// What was opened.
pub(crate) struct Page {
    /// With the query, without host and fragment.
    pub(crate) path: String,
    pub(crate) status: StatusCode,
    pub(crate) html: String,
}

/// A form as it stands on a page: what would be sent.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    action: String,
    pub(crate) fields: Vec<(String, String)>,
    /// What can be chosen, beside what is.
    radios: Vec<(String, String)>,
}

impl Browser {
    pub(crate) fn new(base: &str) -> Self {
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        Self { client, base: base.to_owned(), cookie: String::new() }
    }

    /// As somebody who has signed in elsewhere.
    pub(crate) fn with_cookie(base: &str, cookie: String) -> Self {
        Self { cookie, ..Self::new(base) }
    }

    /// Opens a page and follows where it leads.
    pub(crate) async fn open(&mut self, path: &str) -> Page {
        let mut path = path.to_owned();
        for _ in 0..5 {
            let request = self.client.get(format!("{}{path}", self.base)).header(header::ACCEPT, "text/html");
            let response = request.header(header::COOKIE, &self.cookie).send().await.unwrap();
            match self.taken(&response) {
                Some(next) => path = next,
                None => return Page { path, status: response.status(), html: response.text().await.unwrap() },
            }
        }
        panic!("{path} leads in circles");
    }

    /// Follows a link that leads to somebody else's site: its address.
    pub(crate) async fn leave(&mut self, path: &str) -> String {
        let request = self.client.get(format!("{}{path}", self.base)).header(header::COOKIE, &self.cookie);
        let response = request.header("sec-fetch-site", "same-origin").send().await.unwrap();
        assert!(response.status().is_redirection(), "{path}: {response:?}");
        self.taken(&response);
        response.headers()[header::LOCATION].to_str().unwrap().to_owned()
    }

    /// Sends a form of that page, as its button `press` (name and value) does, and follows where it leads.
    pub(crate) async fn send(&mut self, page: &Page, form: Form, press: Option<(&str, &str)>) -> Page {
        let press = press.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let pairs = form.fields.into_iter().chain(press);
        let body: Vec<String> = pairs.map(|(name, value)| format!("{}={}", encoded(&name), encoded(&value))).collect();
        let response = self
            .client
            .post(format!("{}{}", self.base, form.action))
            .header(header::ACCEPT, "text/html")
            .header(header::COOKIE, &self.cookie)
            .header(header::REFERER, format!("{}{}", self.base, page.path))
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.join("&"))
            .send()
            .await
            .unwrap();
        let next = self.taken(&response).unwrap_or_else(|| panic!("{} leads nowhere: {response:?}", form.action));
        self.open(&next).await
    }

    /// Sends a form of method get, and follows where it leads.
    pub(crate) async fn ask(&mut self, form: Form) -> Page {
        let pairs = form.fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        let query: Vec<String> = pairs.collect();
        self.open(&format!("{}?{}", form.action, query.join("&"))).await
    }

    /// Keeps the cookie; where the answer leads, if it leads on.
    fn taken(&mut self, response: &Response) -> Option<String> {
        if let Some(cookie) = response.headers().get(header::SET_COOKIE) {
            self.cookie = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        }
        let location = response.headers().get(header::LOCATION).filter(|_| response.status().is_redirection())?;
        let location = location.to_str().unwrap();
        let path = location.strip_prefix(&self.base).unwrap_or(location);
        Some(path.split('#').next().unwrap().to_owned())
    }
}

impl Page {
    /// The form that posts to that server function.
    pub(crate) fn form(&self, endpoint: &str) -> Form {
        self.form_to(&format!("/api/{endpoint}"))
    }

    /// The form that leads to that address.
    pub(crate) fn form_to(&self, action: &str) -> Form {
        let form = self.forms_to(action).into_iter().next();
        form.unwrap_or_else(|| panic!("no form to {action} on {}: {}", self.path, self.html))
    }

    /// All forms that post to that server function.
    pub(crate) fn forms(&self, endpoint: &str) -> Vec<Form> {
        self.forms_to(&format!("/api/{endpoint}"))
    }

    fn forms_to(&self, action: &str) -> Vec<Form> {
        let forms = self.html.split("<form").skip(1);
        let meant = forms.filter(|form| attribute(form, "action").as_deref() == Some(action));
        let read = |form: &str| {
            let form = form.split("</form>").next().unwrap();
            Form { action: action.to_owned(), fields: fields(form), radios: radios(form) }
        };
        meant.map(read).collect()
    }

    /// Whether the page says that, once its markup is taken away.
    pub(crate) fn says(&self, text: &str) -> bool {
        self.text().contains(text)
    }

    /// Its words, white space folded.
    pub(crate) fn text(&self) -> String {
        let shown = self.html.split("<body").nth(1).unwrap_or(&self.html);
        let shown = shown.replace("<!>", "").replace("<!---->", "");
        let words = shown.split('<').map(|part| part.split_once('>').map_or("", |(_, text)| text));
        let words: Vec<&str> = words.flat_map(str::split_whitespace).collect();
        unescaped(&words.join(" "))
    }
}

impl Form {
    /// Types or chooses a value.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        let field = self.fields.iter_mut().find(|(field, _)| field == name);
        field.unwrap_or_else(|| panic!("no field {name}")).1 = value.to_owned();
        self
    }

    /// Presses a radio button.
    pub(crate) fn choosing(mut self, name: &str, value: &str) -> Self {
        let pair = (name.to_owned(), value.to_owned());
        assert!(self.radios.contains(&pair), "no choice {pair:?} among {:?}", self.radios);
        self.fields.retain(|(field, _)| field != name);
        self.fields.push(pair);
        self
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

/// The fields of a form in order, each with the value it stands at.
fn fields(form: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut list: Option<String> = None;
    for tag in form.split('<').skip(1) {
        let element = tag.split([' ', '>']).next().unwrap();
        let name = attribute(tag, "name").filter(|_| !is_set(tag, "disabled"));
        match element {
            "input" => {
                let kind = attribute(tag, "type").unwrap_or_default();
                let chosen = !matches!(kind.as_str(), "checkbox" | "radio") || is_set(tag, "checked");
                fields.extend(name.filter(|_| chosen).map(|name| (name, attribute(tag, "value").unwrap_or_default())));
            }
            "textarea" => {
                let text = tag.split_once('>').map_or("", |(_, text)| text);
                fields.extend(name.map(|name| (name, unescaped(text.trim()))));
            }
            "select" => list = name,
            "option" => {
                let Some(list) = &list else { continue };
                let value = attribute(tag, "value").unwrap_or_default();
                match fields.iter_mut().find(|(field, _)| field == list) {
                    Some(field) if is_set(tag, "selected") => field.1 = value,
                    Some(_) => {}
                    None => fields.push((list.clone(), value)),
                }
            }
            _ => {}
        }
    }
    fields
}

/// Every radio button that can be pressed, with its value.
fn radios(form: &str) -> Vec<(String, String)> {
    let inputs = form.split('<').filter(|tag| tag.starts_with("input ") && !is_set(tag, "disabled"));
    let radios = inputs.filter(|tag| attribute(tag, "type").as_deref() == Some("radio"));
    radios.filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?))).collect()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let head = tag.split('>').next().unwrap();
    let rest = head.split_once(&format!(" {name}=\""))?.1;
    Some(unescaped(rest.split('"').next().unwrap()))
}

fn is_set(tag: &str, name: &str) -> bool {
    let head = tag.split('>').next().unwrap();
    head.split([' ', '=']).any(|word| word == name)
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#x27;", "'").replace("&amp;", "&")
}
