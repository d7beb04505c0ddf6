"""Programs of the documents; `mapping.documents.snippets` says how they are named."""
