"""Extensions of a call, one file each; `keys.Features` names them."""
