"""What every list page is made of: filters, pages of rows, and what stands where there is nothing to list."""
