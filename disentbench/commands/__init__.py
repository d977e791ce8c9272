"""What the commands do: typed keywords in, files and words out.

Each imports what it needs when it runs, so that `--help` does not wait for torch.
"""
