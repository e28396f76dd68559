"""REINFORCE (Williams 1992): a bandit, and a corridor walked by a small recurrent policy."""

import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Categorical

torch.manual_seed(4)
random.seed(4)

# a bandit with a running baseline -----------------------------------------------------------------
payout = torch.tensor([0.2, 0.5, 0.8, 0.35])
preferences = torch.zeros(4, requires_grad=True)
optimizer = torch.optim.SGD([preferences], lr=0.4)
baseline = 0.0
for step in range(120):
    policy = Categorical(logits=preferences)
    action = policy.sample()
    reward = float(random.random() < payout[action])
    loss = -policy.log_prob(action) * (reward - baseline) - 0.01 * policy.entropy()
    baseline = 0.9 * baseline + 0.1 * reward
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 6 == 0:
        print(f"pull {step} arm {action.item()} reward {reward} loss {loss.item():.8f}")
print(F.softmax(preferences, dim=0), Categorical(logits=preferences))


# a corridor: the sign at the start says which end has the prize ----------------------------------
class Corridor:
    length = 5

    def reset(self):
        self.at, self.prize, self.time = self.length // 2, random.choice([-1, 1]), 0
        return self.see(self.prize)

    def see(self, sign=0):
        place = [0.0] * self.length
        place[self.at] = 1.0
        return torch.tensor([*place, float(sign)])

    def step(self, action):
        self.at += 1 if action == 1 else -1
        self.time += 1
        if self.at in (0, self.length - 1):
            return self.see(), 1.0 if (self.at > 0) == (self.prize > 0) else -1.0, True
        return self.see(), -0.02, self.time >= 12


class Policy(nn.Module):
    """An Elman network written out: the sign must be remembered."""

    def __init__(self, n_in, n_hidden, n_out):
        super().__init__()
        self.i2h = nn.Linear(n_in + n_hidden, n_hidden)
        self.h2o = nn.Linear(n_hidden, n_out)
        self.value = nn.Linear(n_hidden, 1)
        self.n_hidden = n_hidden

    def forward(self, x, h):
        h = torch.tanh(self.i2h(torch.cat((x, h))))
        return F.softmax(self.h2o(h), dim=-1), self.value(h), h

    def start(self):
        return torch.zeros(self.n_hidden)


env = Corridor()
policy = Policy(Corridor.length + 1, 16, 2)
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
gamma = 0.97
running = 0.0
for episode in range(80):
    seen, h, done = env.reset(), policy.start(), False
    log_probs, values, rewards, entropies = [], [], [], []
    while not done:
        probs, value, h = policy(seen, h)
        m = Categorical(probs)
        action = m.sample()
        log_probs.append(m.log_prob(action))
        values.append(value.squeeze())
        entropies.append(m.entropy())
        seen, reward, done = env.step(action.item())
        rewards.append(reward)
    returns, R = [], 0.0
    for r in reversed(rewards):
        R = r + gamma * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    values = torch.stack(values)
    advantage = (returns - values).detach()
    actor = -(torch.stack(log_probs) * advantage).sum()
    critic = F.smooth_l1_loss(values, returns, reduction="sum")
    loss = actor + 0.5 * critic - 0.01 * torch.stack(entropies).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    running = 0.95 * running + 0.05 * sum(rewards)
    if episode % 4 == 0:
        print(
            f"episode {episode} steps {len(rewards)} loss {loss.item():.8f} running {running:.6f}"
        )

with torch.no_grad():
    for sign in (-1, 1):
        env.reset()
        env.prize = sign
        seen, h, walk, done = env.see(sign), policy.start(), [], False
        while not done:
            probs, _, h = policy(seen, h)
            walk.append("<>"[probs.argmax().item()])
            seen, reward, done = env.step(probs.argmax().item())
        print("sign", sign, "".join(walk), f"{reward:.2f}", f"{probs.max():.6f}")
