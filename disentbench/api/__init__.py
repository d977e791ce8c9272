"""What `import disentbench` offers in a notebook: arrays and tables in, arrays and tables out."""
