"""From stored artifacts to folders that plain transformers and PEFT load, with a model card.

`layout` decides which folders there are, `weights` and `adapters` write them, `loaded_again` loads them as a user
would, `usage` writes the lines of code of the card, `card` the card itself, `hub` uploads the folder.
"""
