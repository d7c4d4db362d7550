//! Columns of text.

use std::fmt::{self, Write as _};

/// Rows of `N` cells, printed in columns two spaces apart.
pub(super) struct Table<const N: usize>(Vec<[String; N]>);

impl<const N: usize> Default for Table<N> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<const N: usize> Table<N> {
    pub(super) fn row(&mut self, cells: [impl Into<String>; N]) {
        self.0.push(cells.map(Into::into));
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = self.0.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0)
        };
        let widths: [usize; N] = std::array::from_fn(width);
        for row in &self.0 {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                let _ = write!(line, "{cell:width$}  ");
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_end_with_their_text() {
        let mut table = Table::default();
        table.row(["name", "value", "source"]);
        table.row(["größe", "1", "default"]);
        table.row(["a", "longest value", ""]);
        assert_eq!(
            table.to_string(),
            "name   value          source\n\
             größe  1              default\n\
             a      longest value\n"
        );
    }
}
