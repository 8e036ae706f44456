"""What every backbone over regions must do, on the checkpoint that its `*_base.yaml` would read."""

from pathlib import Path

import pytest
import torch
from tiny_checkpoints import PROMPTS, built, inputs, node, pictures, rows, write

from vlrb.utils.errors import ConfigError, DataError
from vlrb.utils.instantiate import build


def check_alone_or_together(backbone):
    """Neither other prompts nor other samples' pictures change a row."""
    listed = pictures()
    together = rows(backbone)
    alone = torch.cat([rows(backbone, [p], [k]) for p, k in zip(PROMPTS, listed, strict=True)])
    torch.testing.assert_close(together, alone, atol=2e-5, rtol=1e-4)
    for row in range(1, len(PROMPTS)):
        assert (together[0] - together[row]).abs().max() > 1e-3
    changed = rows(backbone, PROMPTS, [pictures((1, 1))[1], *listed[1:]])
    assert (changed[0] - together[0]).abs().max() > 1e-3  # the picture is read
    torch.testing.assert_close(changed[1:], together[1:], atol=2e-5, rtol=1e-4)


def check_every_parameter_learns(backbone):
    """Each parameter has a part in the rows, also in a batch without any picture."""
    backbone.train()
    for listed in (pictures(), [[], [], [], []]):
        backbone.zero_grad(set_to_none=True)
        backbone(inputs(backbone, PROMPTS, listed)).square().sum().backward()
        assert [name for name, value in backbone.named_parameters() if value.grad is None] == []
    backbone.eval()
    placed = [id(p) for block in backbone.blocks() for part in block for p in part.parameters()]
    assert len(set(placed)) == len(placed)
    assert set(placed) == {id(p) for p in backbone.parameters()}


def check_stored(backbone, described, tmp_path):
    """A stored backbone needs neither the folders nor the hub."""
    backbone.save(tmp_path / "stored")
    before = rows(backbone)
    for part in (described, described["tower"], described["text"]):
        part["model"] = str(tmp_path / "gone" / "far")
    again = build(described, "encoder.backbone")
    again.restore(tmp_path / "stored")
    again.load()
    again.load_state_dict(backbone.state_dict(), strict=True)
    assert torch.equal(rows(again.eval()), before)
    assert str(tmp_path) not in (tmp_path / "stored" / "backbone.json").read_text("utf-8")


def check_what_does_not_fit(name, network, vit, tmp_path):
    """What is wrong with a checkpoint is said in words that name the option."""
    with pytest.raises(ConfigError, match=r"encoder.backbone.text.max_length=49, but .* 48 tokens"):
        build(node(name, network, vit, text__max_length=49), "encoder.backbone").check()
    with pytest.raises(ConfigError, match=r"is a network of type 'vit'"):
        build(node(name, vit, vit, text__model=str(network)), "encoder.backbone").check()
    with pytest.raises(ConfigError, match=r"encoder.backbone.tower.model=.*is a network of type"):
        build(node(name, network, network), "encoder.backbone").check()
    with pytest.raises(ConfigError, match=r"pictures.mean=\[0.4, 0.5, 0.5\], but .* trained with \[0.5, 0.5, 0.5\]"):
        build(node(name, network, vit, pictures__mean=[0.4, 0.5, 0.5]), "encoder.backbone").check()
    with pytest.raises(ConfigError, match=r"pictures.size=36 does not divide into patches of 8"):
        build(node(name, network, vit, pictures__size=36), "encoder.backbone").check()
    empty = tmp_path / "weightless"
    empty.mkdir()
    (empty / "config.json").write_bytes((network / "config.json").read_bytes())
    with pytest.raises(DataError, match=r"no file model.safetensors or"):
        build(node(name, empty, vit, text__model=str(network)), "encoder.backbone").check()
    unpinned = node(name, "somebody/something", vit, revision=None, text__model=str(network))
    with pytest.raises(ConfigError, match="needs a commit"):
        build(unpinned, "encoder.backbone").check()


class Made:
    """Folders of one kind of checkpoint and of a ViT."""

    def __init__(self, name: str, kind: str, root: Path) -> None:
        self.name, self.network, self.vit = name, write(kind, root / kind), write("vit", root / "vit")

    def node(self, **changes):
        return node(self.name, self.network, self.vit, **changes)

    def built(self, **changes):
        return built(self.node(**changes))
