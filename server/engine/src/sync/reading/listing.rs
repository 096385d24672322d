//! Whole lists, page by page, into the store.

use super::{
    Lost, Reading,
    pages::{Filled, LastPage, Next},
};
use crate::{
    Result,
    clients::{
        chargify::{CustomerPage, CustomerRows},
        highlevel::SearchPage,
    },
    store::records::ReadMark,
};
use domain::{Side, limits, record::Record};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// How a listing went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) read: u64,
    /// What it may hold besides.
    pub(super) lost: Lost,
    /// The youngest change seen, by the service's own clock.
    pub(super) newest: Option<OffsetDateTime>,
}

impl Listed {
    pub(super) fn is_complete(&self) -> bool {
        self.lost.is_empty()
    }

    fn add(&mut self, records: &[Record], lost: Lost) {
        self.read += records.len() as u64;
        self.lost.add(lost);
        let newest = records.iter().filter_map(|record| record.stamp.updated_at).max();
        self.newest = self.newest.max(newest);
    }
}

/// Which customers are to be listed.
#[derive(Debug, Default)]
pub(super) struct CustomerWish {
    pub(super) updated_since: Option<OffsetDateTime>,
    /// How many there probably are.
    pub(super) expected: u64,
    /// The newest event heard of some of them before they are read.
    pub(super) heard: BTreeMap<String, i64>,
}

impl Reading<'_> {
    /// Contacts page by page. A page begins behind the last row of the one before, so that deletions shift nothing.
    pub(super) async fn all_contacts(&self, updated_since: Option<OffsetDateTime>) -> Result<Listed> {
        let mut listed = Listed::default();
        let mut page = SearchPage { page_limit: limits::HIGHLEVEL_PAGE, after: None, updated_since };
        let mut last = (self.mark(Side::Highlevel), Vec::new());
        loop {
            let mark = self.mark(Side::Highlevel);
            // A page is stored while the next one is on its way.
            let read = self.try_read(|| self.readers.contacts(&self.call, &page));
            let (answer, ()) = futures::try_join!(read, self.keep(last.0, &last.1))?;
            listed.add(&answer.records, Lost::rows(Side::Highlevel, answer.rows_complete, &answer.problems));
            last = (mark, answer.records);
            if answer.next.is_none() {
                self.keep(last.0, &last.1).await?;
                // The service counts what matches: fewer rows than that are not all of them.
                let rows = listed.read + listed.lost.count();
                if let Some(total) = answer.total.filter(|total| rows < *total) {
                    listed
                        .lost
                        .tell(format!("GoHighLevel counts {total} contacts and listed {rows}: its list broke off."));
                }
                return Ok(listed);
            }
            page.after = answer.next;
        }
    }

    /// Customers from the last page to the first.
    pub(super) async fn all_customers(&self, wish: &CustomerWish) -> Result<Listed> {
        let mut listed = Listed::default();
        let (mut search, mut number) = LastPage::of(wish.expected, limits::CHARGIFY_PAGE);
        let (mark, rows) = loop {
            let mark = self.mark(Side::Chargify);
            let rows = self.customer_page(wish, number).await?;
            match search.after(number, filled(&rows)) {
                Next::Look(next) => number = next,
                Next::IsLast => break (mark, rows),
                Next::Nothing => return Ok(listed),
                Next::Lost => {
                    listed.lost.tell("The end of Chargify's list of customers could not be found.".to_owned());
                    return Ok(listed);
                }
            }
        };
        let mut last = self.taken(wish, &mut listed, mark, rows);
        while number > 1 {
            number -= 1;
            let mark = self.mark(Side::Chargify);
            let (rows, ()) = futures::try_join!(self.full_customer_page(wish, number), self.keep(last.0, &last.1))?;
            // Deletions fill a page from behind: one that is not full lacks somebody.
            if filled(&rows) != Filled::Full {
                listed.lost.tell(format!("Page {number} of Chargify's list of customers has gaps."));
            }
            last = self.taken(wish, &mut listed, mark, rows);
        }
        self.keep(last.0, &last.1).await?;
        Ok(listed)
    }

    /// A page with others behind it, read once more when it is not full: a service that hiccuped may have collected itself.
    async fn full_customer_page(&self, wish: &CustomerWish, page: u32) -> Result<CustomerRows> {
        let rows = self.customer_page(wish, page).await?;
        if filled(&rows) == Filled::Full { Ok(rows) } else { self.customer_page(wish, page).await }
    }

    async fn customer_page(&self, wish: &CustomerWish, page: u32) -> Result<CustomerRows> {
        let page = CustomerPage { page, updated_since: wish.updated_since };
        if crate::planted!(AbsentAsEmpty) {
            let read = self.readers.customers(&self.call, &page).await;
            return Ok(read.unwrap_or_else(|_unread| CustomerRows {
                records: Vec::new(),
                more: false,
                rows_complete: true,
                filtered: true,
                problems: Vec::new(),
            }));
        }
        self.try_read(|| self.readers.customers(&self.call, &page)).await
    }

    fn taken(
        &self,
        wish: &CustomerWish,
        listed: &mut Listed,
        mark: ReadMark,
        rows: CustomerRows,
    ) -> (ReadMark, Vec<Record>) {
        listed.add(&rows.records, Lost::rows(Side::Chargify, rows.rows_complete, &rows.problems));
        let mut records = rows.records;
        for record in &mut records {
            let heard = record.id.as_ref().and_then(|id| wish.heard.get(id.as_str()));
            record.stamp.event_id = record.stamp.event_id.max(heard.copied());
        }
        (mark, records)
    }
}

fn filled(rows: &CustomerRows) -> Filled {
    match (rows.more, rows.records.is_empty() && rows.rows_complete) {
        (true, _) => Filled::Full,
        (false, true) => Filled::Empty,
        (false, false) => Filled::Partly,
    }
}
