"""What the pages of the site have from the code: tables of the registries, formulas, pictures."""
