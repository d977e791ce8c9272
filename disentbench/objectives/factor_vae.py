"""FactorVAE: the total correlation, told by a critic, on top of the KL."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from disentbench.architectures import Dense, LeakyReLU
from disentbench.objectives import Critic, Loss, Objective, Structure, Weight

if TYPE_CHECKING:
    from torch import Tensor

    from disentbench.objectives._terms import Terms

Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Decay = Annotated[float, Field(ge=0, lt=1)]


class FactorVAE(Objective):
    """-log p(x|z) + KL(q(z|x) || p(z)) + gamma TC(z).

    The TC is the mean difference of a critic's two logits at z ~ q(z|x). The critic learns to tell
    z (class 0) from codes of which each latent is permuted over the batch by itself (class 1). As
    gamma comes on top of the KL, it is the beta of beta-TCVAE less 1.

    The codes that are permuted are those of the same batch, as in the library of the study of 2019
    (Locatello et al.), or of a second one, as in the paper's algorithm; here both players descend
    from the same parameters of the other. The critic and its Adam are those of that study.
    """

    label = "FactorVAE"
    reference = "Kim & Mnih 2018, eq. 2"

    gamma: Weight
    permute: Literal["same_batch", "second_batch"] = "same_batch"
    critic_layers: Annotated[int, Field(ge=0, le=20)] = 6
    critic_units: Annotated[int, Field(ge=1, le=10_000)] = 1000
    critic_learning_rate: Rate = 1e-4
    critic_beta1: Decay = 0.5
    critic_beta2: Decay = 0.9

    def structure(self) -> Structure:
        return Structure(
            estimator=None,
            least_batch=2,
            batches=2 if self.permute == "second_batch" else 1,
            normals={"permutation": ("image", "code")},
        )

    def critic(self, code_size: int) -> Critic:
        hidden = (Dense(self.critic_units), LeakyReLU(0.2)) * self.critic_layers
        betas = (self.critic_beta1, self.critic_beta2)
        return Critic((*hidden, Dense(2)), self.critic_learning_rate, betas)

    def loss(self, terms: "Terms", step: "Tensor") -> Loss:
        codes = terms.code if terms.second is None else terms.second
        order = terms.normals["permutation"].argsort(dim=0, stable=True)
        joint, product = terms.code, codes.gather(0, order)
        logits = terms.critic.fixed(joint)
        tc = (logits[:, 0] - logits[:, 1]).mean()
        told = terms.critic.learning(joint).log_softmax(1)[:, 0].mean()
        told = told + terms.critic.learning(product).log_softmax(1)[:, 1].mean()
        return Loss(terms.weighted() + self.gamma * tc, critic=-told / 2, shown={"critic_tc": tc})


objective = FactorVAE
