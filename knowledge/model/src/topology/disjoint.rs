//! Routes that share nothing: a flow of least cost, one unit a route.

use super::{Apart, Edge, Route, Topology};

/// An arc of the flow; `back` is its reverse.
struct Arc<'t, 'a> {
    to: usize,
    room: u32,
    cost: i64,
    back: usize,
    edge: Option<&'t Edge<'a>>,
}

/// Each node is an entry (2n) and an exit (2n + 1); the arc between them is as wide as the node may be shared.
struct Flow<'t, 'a> {
    arcs: Vec<Vec<Arc<'t, 'a>>>,
}

pub(super) fn routes(topology: &Topology<'_>, from: usize, to: usize, apart: Apart, most: usize) -> Vec<Route> {
    let wide = u32::try_from(most).unwrap_or(u32::MAX);
    let mut flow = Flow {
        arcs: (0..topology.names.len() * 2).map(|_| Vec::new()).collect(),
    };
    for node in 0..topology.names.len() {
        let room = match apart {
            _ if node == from || node == to => wide,
            _ if !topology.forwards[node] => 0,
            Apart::Links => wide,
            Apart::Nodes => 1,
        };
        flow.add(node * 2, node * 2 + 1, room, None);
        for edge in &topology.links[node] {
            flow.add(node * 2 + 1, edge.to * 2, 1, Some(edge));
        }
    }
    let (source, sink) = (from * 2 + 1, to * 2);
    let found = (0..most).take_while(|_| flow.augment(source, sink)).count();
    let mut routes: Vec<_> = (0..found).map(|_| flow.take_route(source, sink)).collect();
    routes.sort_by(|a, b| a.cost.cmp(&b.cost).then_with(|| a.nodes().cmp(&b.nodes())));
    routes
}

impl<'t, 'a> Flow<'t, 'a> {
    fn add(&mut self, from: usize, to: usize, room: u32, edge: Option<&'t Edge<'a>>) {
        let cost = edge.map_or(0, |it| i64::from(it.cost));
        let (there, here) = (self.arcs[to].len(), self.arcs[from].len());
        self.arcs[from].push(Arc {
            to,
            room,
            cost,
            back: there,
            edge,
        });
        self.arcs[to].push(Arc {
            to: from,
            room: 0,
            cost: -cost,
            back: here,
            edge: None,
        });
    }

    /// Sends one unit along the cheapest way that is left (Bellman and Ford, with a queue); false where there is none.
    fn augment(&mut self, source: usize, sink: usize) -> bool {
        let mut best: Vec<Option<(i64, usize, usize)>> = vec![None; self.arcs.len()];
        best[source] = Some((0, source, 0));
        let mut queue = std::collections::VecDeque::from([source]);
        while let Some(node) = queue.pop_front() {
            let Some((cost, _, _)) = best[node] else { continue };
            for (index, arc) in self.arcs[node].iter().enumerate().filter(|it| it.1.room > 0) {
                if best[arc.to].is_none_or(|it| cost + arc.cost < it.0) {
                    best[arc.to] = Some((cost + arc.cost, node, index));
                    queue.push_back(arc.to);
                }
            }
        }
        let mut node = sink;
        while node != source {
            let Some((_, before, index)) = best[node] else {
                return false;
            };
            let back = self.arcs[before][index].back;
            self.arcs[before][index].room -= 1;
            self.arcs[node][back].room += 1;
            node = before;
        }
        true
    }

    /// Follows one unit of the flow and takes it out.
    fn take_route(&mut self, source: usize, sink: usize) -> Route {
        let mut route = Route {
            cost: 0,
            hops: Vec::new(),
        };
        let mut node = source;
        while node != sink {
            // an arc carries what its reverse has room to send back
            let carrying = self.arcs[node]
                .iter()
                .position(|it| it.cost >= 0 && self.carries(node, it));
            let Some(index) = carrying else { break };
            let (to, back) = (self.arcs[node][index].to, self.arcs[node][index].back);
            if let Some(edge) = self.arcs[node][index].edge {
                route.cost += u64::from(edge.cost);
                route.hops.push((edge.here.clone(), edge.there.clone()));
            }
            self.arcs[to][back].room -= 1;
            node = to;
        }
        route
    }

    /// True for a forward arc with a unit on it.
    fn carries(&self, node: usize, arc: &Arc<'t, 'a>) -> bool {
        let inner = node / 2 == arc.to / 2 && node + 1 == arc.to;
        (arc.edge.is_some() || inner) && self.arcs[arc.to][arc.back].room > 0
    }
}
