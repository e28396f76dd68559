"""A small convolutional network told apart four patterns in noise."""

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(17)
N, SIDE = 320, 12
labels = torch.randint(0, 4, (N,))
yy, xx = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
phase = torch.rand(N, 1, 1) * 6.28
waves = torch.stack([xx + 0 * yy, yy + 0 * xx, xx + yy, xx - yy]).float()  # (4, SIDE, SIDE)
images = torch.sin(waves[labels] * 1.1 + phase) + 0.8 * torch.randn(N, SIDE, SIDE)
images = (images - images.mean()) / images.std()
dataset = TensorDataset(images.unsqueeze(1), labels)
train_set, test_set = random_split(dataset, [0.75, 0.25])
print(len(train_set), len(test_set), test_set.indices[:8])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.LeakyReLU(0.1),
            nn.Dropout2d(0.2),
            nn.AvgPool2d(2),
        )
        self.fc1 = nn.Linear(16 * 3 * 3, 32)
        self.dropout = nn.Dropout(0.25)
        self.fc2 = nn.Linear(32, 4)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = torch.flatten(self.features(x), 1)
        x = self.dropout(F.relu(self.fc1(x)))
        return F.log_softmax(self.fc2(x), dim=1)


def train(model, loader, optimizer, epoch):
    model.train()
    for i, (data, target) in enumerate(loader):
        optimizer.zero_grad()
        loss = F.nll_loss(model(data), target)
        loss.backward()
        optimizer.step()
        print(f"epoch {epoch} [{i * len(data)}/{len(loader.dataset)}] loss {loss.item():.8f}")


def test(model, loader):
    model.eval()
    test_loss, correct = 0.0, 0
    with torch.no_grad():
        for data, target in loader:
            output = model(data)
            test_loss += F.nll_loss(output, target, reduction="sum").item()
            pred = output.argmax(dim=1, keepdim=True)
            correct += pred.eq(target.view_as(pred)).sum().item()
    n = len(loader.dataset)
    print(f"test loss {test_loss / n:.8f}, {correct}/{n} right ({100.0 * correct / n:.0f}%)")


train_loader = DataLoader(train_set, batch_size=32, shuffle=True, drop_last=True)
test_loader = DataLoader(test_set, batch_size=40)
model = Net()
print(model)
optimizer = optim.Adam(model.parameters(), lr=5e-3)
scheduler = StepLR(optimizer, step_size=2, gamma=0.5)
for epoch in range(1, 6):
    train(model, train_loader, optimizer, epoch)
    test(model, test_loader)
    scheduler.step()
    print("lr", scheduler.get_last_lr())

norm = model.features[1]
print(norm.running_mean, norm.running_var, norm.num_batches_tracked)
with torch.no_grad():
    data, target = next(iter(test_loader))
    print(model(data).exp()[:4])
    print(model(data).argmax(1).tolist())
    print(target.tolist())
    confusion = torch.zeros(4, 4, dtype=torch.long)
    for t, p in zip(target, model(data).argmax(1)):
        confusion[t, p] += 1
    print(confusion)
