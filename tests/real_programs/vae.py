"""A variational autoencoder (Kingma and Welling 2014) of small pictures of crosses and boxes."""

import torch
from torch import nn, optim
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(1)
SIDE = 10


class Shapes(Dataset):
    def __init__(self, n):
        self.pictures = torch.zeros(n, 1, SIDE, SIDE)
        self.kinds = torch.randint(3, (n,))
        for i, kind in enumerate(self.kinds.tolist()):
            r, c = torch.randint(1, SIDE - 5, (2,)).tolist()
            size = int(torch.randint(3, 6, ()))
            if kind == 0:
                self.pictures[i, 0, r : r + size, c : c + size] = 1
            elif kind == 1:
                self.pictures[i, 0, r + size // 2, c : c + size] = 1
                self.pictures[i, 0, r : r + size, c + size // 2] = 1
            else:
                self.pictures[i, 0, r : r + size, c : c + size].fill_diagonal_(1)
        noise = torch.rand_like(self.pictures) * 0.1
        self.pictures = (self.pictures - noise).clamp_(0, 1)

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, i):
        return self.pictures[i], self.kinds[i].item()


class VAE(nn.Module):
    def __init__(self, latent=6):
        super().__init__()
        self.fc1 = nn.Linear(SIDE * SIDE, 64)
        self.fc21, self.fc22 = nn.Linear(64, latent), nn.Linear(64, latent)
        self.fc3, self.fc4 = nn.Linear(latent, 64), nn.Linear(64, SIDE * SIDE)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        return mu + eps * std

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, SIDE * SIDE))
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    BCE = F.binary_cross_entropy(recon_x, x.view(-1, SIDE * SIDE), reduction="sum")
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return BCE + KLD, KLD


train_loader = DataLoader(Shapes(384), batch_size=64, shuffle=True)
test_loader = DataLoader(Shapes(100), batch_size=50)
model = VAE()
optimizer = optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(1, 13):
    model.train()
    train_loss = 0.0
    for i, (data, _) in enumerate(train_loader):
        optimizer.zero_grad()
        loss, kld = loss_function(*((out := model(data))[0], data, *out[1:]))
        loss.backward()
        train_loss += loss.item()
        optimizer.step()
        if i % 3 == 0:
            print(f"epoch {epoch} batch {i} loss {loss.item() / len(data):.8f} kl {kld.item():.5f}")
    model.eval()
    test_loss = 0.0
    with torch.no_grad():
        for data, _ in test_loader:
            recon, mu, logvar = model(data)
            test_loss += loss_function(recon, data, mu, logvar)[0].item()
    print(f"epoch {epoch} train {train_loss / 384:.6f} test {test_loss / 100:.6f}")

with torch.no_grad():
    picture = model.decode(torch.randn(2, 6)).view(2, SIDE, SIDE)
for rows in picture:
    for row in rows:
        print("".join(" .:*#"[min(4, int(v * 5))] for v in row.tolist()) + "|")
data, kinds = next(iter(test_loader))
with torch.no_grad():
    mu, _ = model.encode(data.flatten(1))
print(kinds[:10], mu.std(0))
