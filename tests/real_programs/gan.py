"""A small DCGAN (Radford and others 2016) that draws rings."""

import torch
import torch.nn as nn
import torch.optim as optim

torch.manual_seed(999)
SIDE, nz, ngf, ndf, batch_size = 8, 8, 8, 8, 16
axis = torch.linspace(-1, 1, SIDE)
distance = torch.sqrt(axis[:, None] ** 2 + axis[None, :] ** 2)


def real_batch(n):
    """Rings of varied radius, in [-1, 1]. Shape: (n, 1, SIDE, SIDE)."""
    radius = torch.empty(n, 1, 1, 1).uniform_(0.4, 0.8)
    return torch.exp(-((distance - radius) ** 2) * 20) * 2 - 1


def weights_init(m):
    classname = m.__class__.__name__
    if classname.find("Conv") != -1:
        nn.init.normal_(m.weight.data, 0.0, 0.1)
    elif classname.find("BatchNorm") != -1:
        nn.init.normal_(m.weight.data, 1.0, 0.02)
        nn.init.constant_(m.bias.data, 0)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(nz, ngf * 2, 2, 1, 0, bias=False),  # 2 x 2
            nn.BatchNorm2d(ngf * 2),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf * 2, ngf, 4, 2, 1, bias=False),  # 4 x 4
            nn.BatchNorm2d(ngf),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf, 1, 4, 2, 1, bias=False),  # 8 x 8
            nn.Tanh(),
        )

    def forward(self, input):
        return self.main(input)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(1, ndf, 4, 2, 1, bias=False),  # 4 x 4
            nn.LeakyReLU(0.2, inplace=True),
            nn.utils.parametrizations.spectral_norm(nn.Conv2d(ndf, ndf * 2, 4, 2, 1, bias=False)),
            nn.LeakyReLU(0.2, inplace=True),  # 2 x 2
            nn.Conv2d(ndf * 2, 1, 2, 1, 0, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, input):
        return self.main(input).view(-1)


netG, netD = Generator(), Discriminator()
netG.apply(weights_init)
netD.apply(lambda m: weights_init(m) if not hasattr(m, "parametrizations") else None)
print(netD)
criterion = nn.BCELoss()
fixed_noise = torch.randn(2, nz, 1, 1)
real_label, fake_label = 1.0, 0.0
optimizerD = optim.Adam(netD.parameters(), lr=2e-3, betas=(0.5, 0.999))
optimizerG = optim.Adam(netG.parameters(), lr=2e-3, betas=(0.5, 0.999))

for step in range(50):
    netD.zero_grad()
    real = real_batch(batch_size)
    label = torch.full((batch_size,), real_label, dtype=torch.float)
    output = netD(real)
    errD_real = criterion(output, label)
    errD_real.backward()
    D_x = output.mean().item()

    fake = netG(torch.randn(batch_size, nz, 1, 1))
    label.fill_(fake_label)
    output = netD(fake.detach())
    errD_fake = criterion(output, label)
    errD_fake.backward()
    optimizerD.step()

    netG.zero_grad()
    label.fill_(real_label)
    output = netD(fake)
    errG = criterion(output, label)
    errG.backward()
    optimizerG.step()
    errD = errD_real + errD_fake
    print(f"step {step} loss D {errD.item():.8f} G {errG.item():.8f} D(x) {D_x:.6f}"
          f" D(G(z)) {output.mean():.6f}")  # fmt: skip

netG.eval()
with torch.no_grad():
    for picture in netG(fixed_noise)[:, 0]:
        for row in picture.tolist():
            print("".join(" .:*#"[min(4, int((v + 1) * 2.5))] for v in row) + "|")
        print(f"{picture.mean().item():.6f}")
print(sum(p.grad.norm().item() ** 2 for p in netG.parameters()) ** 0.5)
