"""The documentation site: reference pages made from the code, and links to files of the repository that are checked.

`mkdocs.yml` names `hooks.py`; everything else here makes Markdown and knows nothing of MkDocs.
"""
