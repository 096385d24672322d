//! In which order the pages of a list are read that pages by position: from the last to the first.
//!
//! A deletion moves everybody behind it one place forward. Reading forward, whoever moves across the boundary of two
//! pages is missed; reading backward, they come to a page that is still to be read. What is created meanwhile is behind
//! the last page, and events tell of it.

/// Pages looked at for the last one before the search is given up: far more than halving ever needs.
const LOOKS_MAX: u32 = 64;

/// How full a page was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filled {
    Full,
    Partly,
    Empty,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Look at this page.
    Look(u32),
    /// The page just read is the last one: on from there, backward.
    IsLast,
    /// There is nothing to read.
    Nothing,
    /// The list changes faster than it can be searched.
    Lost,
}

/// The search for the last page.
#[derive(Debug)]
pub(super) struct LastPage {
    /// The last page known to be full, and the first known to be empty.
    full: u32,
    empty: Option<u32>,
    stride: u32,
    looks: u32,
}

impl LastPage {
    /// A search, and the page to look at first: where the last of `expected` rows would be.
    pub(super) fn of(expected: u64, page_size: u32) -> (Self, u32) {
        let first = u32::try_from(expected / u64::from(page_size.max(1))).unwrap_or(u32::MAX - 1) + 1;
        (Self { full: 0, empty: None, stride: 1, looks: 0 }, first)
    }

    /// What to do after `page` was found so.
    pub(super) fn after(&mut self, page: u32, filled: Filled) -> Next {
        self.looks += 1;
        if self.looks > LOOKS_MAX {
            return Next::Lost;
        }
        let next = match (filled, self.empty) {
            (Filled::Partly, _) => return Next::IsLast,
            (Filled::Full, Some(empty)) if empty == page + 1 => return Next::IsLast,
            (Filled::Full, Some(empty)) if empty > page => {
                self.full = page;
                page + (empty - page) / 2
            }
            (Filled::Full, _) => {
                (self.full, self.empty) = (page, None);
                page.saturating_add(self.widened())
            }
            (Filled::Empty, _) if page <= 1 => return Next::Nothing,
            (Filled::Empty, _) => {
                self.empty = Some(page);
                if self.full > 0 && self.full < page {
                    self.full + (page - self.full) / 2
                } else {
                    self.full = 0;
                    page.saturating_sub(self.widened()).max(1)
                }
            }
        };
        Next::Look(next)
    }

    fn widened(&mut self) -> u32 {
        let stride = self.stride;
        self.stride = stride.saturating_mul(2);
        stride
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches a list that does not change; the pages looked at, the last one found at the end.
    fn search(rows: u64, expected: u64) -> Vec<u32> {
        let (mut search, mut page) = LastPage::of(expected, 200);
        let mut looked = Vec::new();
        loop {
            looked.push(page);
            let before = u64::from(page - 1) * 200;
            let filled = match rows.saturating_sub(before) {
                0 => Filled::Empty,
                200.. => Filled::Full,
                _ => Filled::Partly,
            };
            match search.after(page, filled) {
                Next::Look(next) => page = next,
                Next::IsLast | Next::Nothing => return looked,
                Next::Lost => panic!("{rows} rows are never found: {looked:?}"),
            }
        }
    }

    #[test]
    fn where_the_number_is_known_no_look_is_wasted() {
        for (rows, pages) in [(0, vec![1]), (30, vec![1]), (399, vec![2]), (450, vec![3]), (400, vec![3, 2])] {
            assert_eq!(search(rows, rows), pages, "{rows} rows");
        }
    }

    #[test]
    fn the_last_page_is_found_whatever_was_expected() {
        for rows in (0..3_000).chain([9_999, 10_000, 10_001, 123_456]) {
            for expected in [0, 200, rows / 2, rows + 1, rows * 2, 50_000] {
                let looked = search(rows, expected);
                let last = u32::try_from(rows.div_ceil(200)).unwrap().max(1);
                assert_eq!(looked.last(), Some(&last), "{rows} rows, {expected} expected: {looked:?}");
                assert!(looked.len() <= 22, "{rows} rows, {expected} expected: {looked:?}");
            }
        }
    }

    #[test]
    fn a_list_without_end_is_given_up() {
        let (mut search, mut page) = LastPage::of(1_000, 200);
        loop {
            match search.after(page, Filled::Full) {
                Next::Look(next) => page = next,
                next => return assert_eq!(next, Next::Lost),
            }
        }
    }
}
